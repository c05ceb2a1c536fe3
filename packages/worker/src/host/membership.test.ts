import { ClusterError, createLogger, systemClock } from "@gumshoe/core";
import { FleetService } from "@gumshoe/protocol";
import { RpcChannel, type RpcHandlers, RpcServer } from "@gumshoe/rpc";
import { afterEach, expect, test, vi } from "vitest";

import { Membership } from "./membership.js";

const TOKEN = "secret";
const logger = createLogger("membership", "silent");
const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const vitals = {
  state: "idle",
  job: "",
  jobAgeMs: 0,
  weightVersion: 0,
  jobsDone: 0,
  tokensPerSecond: 0,
  tokensDone: 0,
  activeJobs: ["r/0/train/1", "r/0/train/2"],
  waitingFor: "",
};

/** Starts a worker's membership of a coordinator that answers with these handlers. */
async function join(
  handlers: RpcHandlers<typeof FleetService>,
  onWithdrawn: (jobs: readonly string[]) => void = () => undefined,
): Promise<void> {
  const server = new RpcServer({ token: TOKEN });
  server.serve(FleetService, handlers);
  const channel = new RpcChannel(await server.listen("127.0.0.1:0"), { token: TOKEN });
  const membership = new Membership({
    fleet: channel.client(FleetService),
    identity: {
      workerId: "w",
      role: "inference",
      device: "cpu x1",
      address: "127.0.0.1:1",
      host: "a",
      pid: 1,
    },
    vitals: () => vitals,
    onWithdrawn,
    clock: systemClock,
    logger,
  });
  closing.push(
    () => server.stop(0),
    () => channel.close(),
    () => membership.stop(),
  );
  await membership.start(() => undefined);
}

test("a worker waits between heartbeats as long as the last reply asked for", async () => {
  const heartbeat = vi.fn(async () => ({ heartbeatIntervalMs: 60_000, withdrawnJobs: [] }));
  await join({
    register: async () => ({ heartbeatIntervalMs: 10 }),
    heartbeat,
    leave: async () => ({}),
    reportEnd: async () => ({}),
  });
  await vi.waitFor(() => expect(heartbeat).toHaveBeenCalled());
  await systemClock.sleep(200);
  expect(heartbeat).toHaveBeenCalledTimes(1);
});

test("a worker that the coordinator has forgotten registers again", async () => {
  const register = vi.fn(async () => ({ heartbeatIntervalMs: 10 }));
  await join({
    register,
    heartbeat: () => Promise.reject(new ClusterError("NOT_FOUND", "register first")),
    leave: async () => ({}),
    reportEnd: async () => ({}),
  });
  await vi.waitFor(() => expect(register.mock.calls.length).toBeGreaterThan(2));
});

test("the worker is told which of its jobs the coordinator no longer wants", async () => {
  const withdrawn = vi.fn();
  await join(
    {
      register: async () => ({ heartbeatIntervalMs: 10 }),
      heartbeat: async ({ activeJobs }) => ({
        heartbeatIntervalMs: 10,
        withdrawnJobs: activeJobs.slice(1),
      }),
      leave: async () => ({}),
      reportEnd: async () => ({}),
    },
    withdrawn,
  );
  await vi.waitFor(() => expect(withdrawn).toHaveBeenCalledWith(["r/0/train/2"]));
});
