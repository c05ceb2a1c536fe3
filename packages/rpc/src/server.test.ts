import { ClusterError, ERROR_CODES, type ErrorCode, InvalidArgumentError } from "@gumshoe/core";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FleetService } from "@gumshoe/protocol";

import { RpcChannel, type RpcClient } from "./channel.js";
import type { CallContext } from "./handlers.js";
import { RpcServer } from "./server.js";

let server: RpcServer;
let address: string;
let channel: RpcChannel;
let fleet: RpcClient<typeof FleetService>;
let leave: (workerId: string, context: CallContext) => Promise<void>;

beforeEach(async () => {
  leave = async () => undefined;
  server = new RpcServer({ token: "right" });
  server.serve(FleetService, {
    register: async () => ({ heartbeatIntervalMs: 1000 }),
    heartbeat: async () => ({ heartbeatIntervalMs: 1000, withdrawnJobs: [] }),
    reportEnd: async () => ({}),
    leave: async ({ workerId }, context) => {
      await leave(workerId, context);
      return {};
    },
  });
  address = await server.listen("127.0.0.1:0");
  channel = new RpcChannel(address, { token: "right" });
  fleet = channel.client(FleetService);
});
afterEach(async () => {
  channel.close();
  await server.stop(0);
});

test("every error code, its message and its details are transmitted", async () => {
  for (const code of Object.keys(ERROR_CODES) as ErrorCode[]) {
    leave = async () => {
      throw new ClusterError(code, `about ${code}`, { details: { lane: 3 } });
    };
    await expect(fleet.leave({ workerId: "w" })).rejects.toMatchObject({
      name: "RpcError",
      code,
      message: `about ${code}`,
      details: { lane: 3 },
      method: "/gumshoe.v1.FleetService/Leave",
    });
  }
});

test.each([
  ["half of a surrogate pair", "a \ud800 name", "a \ufffd name"],
  ["the other half", "\udc00", "\ufffd"],
  ["a text that was cut within a character", "\u{1f600}".slice(0, 1), "\ufffd"],
  ["control characters", "\x1b[2J\r\n\0", "\x1b[2J\r\n\0"],
  ["100,000 letters", "x".repeat(100_000), `${"x".repeat(4093)}...`],
  ["letters that are written as nine", "\u4e00".repeat(1000), `${"\u4e00".repeat(454)}...`],
])("a message with %s is transmitted as far as a header can hold it", async (_what, sent, got) => {
  leave = async () => {
    throw new ClusterError("NOT_FOUND", sent, { details: { sent } });
  };
  await expect(fleet.leave({ workerId: "w" })).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: got,
  });
  leave = async () => undefined;
  await expect(fleet.leave({ workerId: "w" })).resolves.toEqual({});
});

test("a connection that presents the token can have hundreds of concurrent calls", async () => {
  let numOpen = 0;
  let release = (): void => undefined;
  const all = new Promise<void>((resolve) => (release = resolve));
  leave = () => {
    if (++numOpen === 300) release();
    return all;
  };
  const calls = Array.from({ length: 300 }, () => fleet.leave({ workerId: "w" }));
  await expect(Promise.all(calls)).resolves.toHaveLength(300);
});

test("the field of an invalid argument is transmitted", async () => {
  leave = async () => {
    throw new InvalidArgumentError("worker_id", "is empty", { suggestion: "give one" });
  };
  await expect(fleet.leave({ workerId: "" })).rejects.toMatchObject({
    message: "worker_id: is empty (give one)",
    details: { field: "worker_id", problem: "is empty", suggestion: "give one" },
  });
});

test("an unexpected error is returned without its message", async () => {
  leave = async () => {
    throw new Error("password is hunter2");
  };
  await expect(fleet.leave({ workerId: "w" })).rejects.toMatchObject({
    code: "INTERNAL",
    message: "internal error, see the server's log",
  });
});

test("a call with a wrong token, or none, is rejected before its handler runs", async () => {
  let calls = 0;
  leave = async () => void calls++;
  const stranger = new RpcChannel(address, { token: "wrong" });
  await expect(stranger.client(FleetService).leave({ workerId: "w" })).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    message: "the token is wrong",
  });
  stranger.close();
  const near = new RpcChannel(address, { token: "rigth" });
  await expect(near.client(FleetService).leave({ workerId: "w" })).rejects.toMatchObject({
    message: "the token is wrong",
  });
  near.close();
  expect(await callWithoutToken()).toMatchObject({ code: status.UNAUTHENTICATED });
  expect(calls).toBe(0);
});

test("a large request without the token is rejected before it has been received", async () => {
  const client = new Client(address, credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
  });
  const error = await new Promise<unknown>((resolve) => {
    const large = Buffer.alloc(100_000_000, 65);
    const echo = (bytes: Buffer) => bytes;
    client.makeUnaryRequest(FleetService.leave.path, echo, echo, large, new Metadata(), resolve);
  });
  client.close();
  expect(error).toMatchObject({ code: status.UNAUTHENTICATED });
});

test("a request that cannot be decoded is INVALID_ARGUMENT", async () => {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", "Bearer right");
  const error = await new Promise<unknown>((resolve) => {
    const echo = (bytes: Buffer) => bytes;
    const nonsense = Buffer.from([10, 255, 255, 255, 255, 15, 1]);
    client.makeUnaryRequest(FleetService.leave.path, echo, echo, nonsense, metadata, resolve);
  });
  client.close();
  expect(error).toMatchObject({ code: status.INVALID_ARGUMENT });
});

test("a server without a token is rejected", () => {
  expect(() => new RpcServer({ token: "" })).toThrow(InvalidArgumentError);
});

test("a call past its deadline fails, and its handler's signal is aborted", async () => {
  let aborted = false;
  leave = (_id, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        resolve();
      });
    });
  await expect(fleet.leave({ workerId: "w" }, { deadlineMs: 100 })).rejects.toMatchObject({
    code: "DEADLINE_EXCEEDED",
  });
  await expect.poll(() => aborted, { timeout: 2000 }).toBe(true);
});

test("an aborted call throws the signal's reason, and its handler's signal is aborted", async () => {
  let aborted = false;
  const reason = new Error("changed my mind");
  const controller = new AbortController();
  leave = (_id, { signal }) =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        aborted = true;
        resolve();
      });
      controller.abort(reason);
    });
  const call = fleet.leave({ workerId: "w" }, { signal: controller.signal });
  await expect(call).rejects.toBe(reason);
  await expect.poll(() => aborted, { timeout: 2000 }).toBe(true);
  await expect(fleet.leave({ workerId: "w" }, { signal: controller.signal })).rejects.toBe(reason);
});

test("a port in use is an error that names the address", async () => {
  const second = new RpcServer({ token: "t" });
  await expect(second.listen(address)).rejects.toMatchObject({
    name: "ListenError",
    message: `cannot listen on ${address}: the port is in use`,
  });
});

test("a stopping server lets calls in progress complete", async () => {
  let begun = false;
  leave = async () => {
    begun = true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  };
  const call = fleet.leave({ workerId: "w" });
  await expect.poll(() => begun, { timeout: 2000 }).toBe(true);
  await server.stop(5000);
  await expect(call).resolves.toEqual({});
});

test("a stopping server cuts off calls that outlast the grace period", async () => {
  let begun = false;
  leave = () => {
    begun = true;
    return new Promise(() => undefined);
  };
  const call = fleet.leave({ workerId: "w" });
  const refused = expect(call).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await expect.poll(() => begun, { timeout: 2000 }).toBe(true);
  await server.stop(50);
  await refused;
});

test("a channel reconnects after a restart of its server", async () => {
  await fleet.leave({ workerId: "w" });
  await server.stop(0);
  await expect(fleet.leave({ workerId: "w" })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  server = new RpcServer({ token: "right" });
  server.serve(FleetService, {
    register: async () => ({ heartbeatIntervalMs: 7 }),
    heartbeat: async () => ({ heartbeatIntervalMs: 7, withdrawnJobs: [] }),
    leave: async () => ({}),
    reportEnd: async () => ({}),
  });
  await server.listen(address);
  await channel.ready(5000);
  await expect(fleet.leave({ workerId: "w" })).resolves.toEqual({});
});

/** Makes a call as a client outside the cluster would. */
function callWithoutToken(): Promise<unknown> {
  const client = new Client(address, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = FleetService.leave;
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + 2000 };
    const request = { workerId: "w" };
    const done = (error: unknown) => {
      client.close();
      resolve(error);
    };
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      options,
      done,
    );
  });
}
