import { InvalidArgumentError } from "@gumshoe/core";
import {
  type CallContext,
  parseRunConfig,
  RpcServer,
  Run,
  type RunEvent,
  type RunEventBody,
  RunService,
  RunState,
  toRunEvent,
  type WatchedEvent,
} from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";

import { GumshoeClient } from "./gumshoe-client.js";

const CONFIG = `
name: first
type: grpo
model: models/rookie
tasks: { source: { type: generate } }
`;

/** A coordinator reduced to one run and a list of events. */
class TinyCoordinator {
  events: RunEventBody[] = [];
  asked: number[] = [];
  state = RunState.RUNNING;
  /** The stream ends after this many events; the others are held back until a new one is opened. */
  cutAfter = Infinity;
  #server = new RpcServer({ token: "t" });

  async start(address: string): Promise<string> {
    this.#server = new RpcServer({ token: "t" });
    const run = (): Run => Run.create({ name: "first", state: this.state });
    this.#server.serve(RunService, {
      submitRun: async ({ config }) => {
        const parsed = parseRunConfig(config);
        return Run.create({
          name: parsed.name,
          state: RunState.QUEUED,
          configJson: JSON.stringify(parsed),
          iterationsTotal: parsed.iterations,
        });
      },
      getRun: async () => run(),
      listRuns: async () => ({ runs: [run()] }),
      cancelRun: async () => ({ ...run(), state: RunState.CANCELLED }),
      getFleet: async () => ({ workers: [] }),
      watchRun: ({ fromEvent }, context) => this.#watch(fromEvent, context),
    });
    return this.#server.listen(address);
  }

  stop(): Promise<void> {
    return this.#server.stop(0);
  }

  async *#watch(fromEvent: number, { signal }: CallContext): AsyncGenerator<RunEvent> {
    this.asked.push(fromEvent);
    const first = Math.max(1, fromEvent);
    let sent = 0;
    for (let number = first; number <= this.events.length; number++) {
      if (sent++ === this.cutAfter || signal.aborted) return;
      yield toRunEvent({ number, atMs: 0, body: this.events[number - 1] as RunEventBody });
    }
  }
}

let coordinator: TinyCoordinator;
let address: string;
let client: GumshoeClient;

beforeEach(async () => {
  coordinator = new TinyCoordinator();
  address = await coordinator.start("127.0.0.1:0");
  client = new GumshoeClient({ address, token: "t" });
});
afterEach(async () => {
  client.close();
  await coordinator.stop();
});

async function watchAll(options: Parameters<GumshoeClient["watch"]>[1] = {}) {
  const seen: WatchedEvent[] = [];
  for await (const event of client.watch("first", options)) seen.push(event);
  return seen;
}

const resumed: RunEventBody = { type: "run-resumed", weights: { version: 0, digest: "d" } };
const cancelled: RunEventBody = { type: "run-cancelled" };

test("a submitted run comes back with its resolved config", async () => {
  const run = await client.submit(CONFIG);
  expect(run).toMatchObject({ name: "first", state: "queued", iterationsTotal: 40, result: null });
  expect(run.config).toEqual(parseRunConfig(CONFIG));
  expect(await client.submit(parseRunConfig(CONFIG))).toEqual(run);
});

test("a wrong config is refused with the field and a suggestion", async () => {
  await expect(client.submit(`${CONFIG}iteration: 3\n`)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: "iteration: unknown field (did you mean iterations?)",
    details: { field: "iteration" },
  });
});

test("runs are got, listed and cancelled, and the fleet is shown", async () => {
  expect((await client.get("first")).state).toBe("running");
  expect((await client.list()).map((run) => run.name)).toEqual(["first"]);
  expect((await client.cancel("first")).state).toBe("cancelled");
  expect(await client.fleet()).toEqual([]);
});

test("a watch ends with the run, and not at an event from before it went on", async () => {
  coordinator.events = [cancelled, resumed, { type: "run-failed", error: "broken" }];
  const types = (await watchAll()).map((event) => event.body.type);
  expect(types).toEqual(["run-cancelled", "run-resumed", "run-failed"]);
});

test("a watch that is cut off goes on after the last event it has seen", async () => {
  coordinator.events = [resumed, resumed, resumed, cancelled];
  coordinator.cutAfter = 3;
  const numbers = (await watchAll()).map((event) => event.number);
  expect(numbers).toEqual([1, 2, 3, 4]);
  expect(coordinator.asked).toEqual([1, 4]);
});

test("a watch may begin at a later event", async () => {
  coordinator.events = [resumed, resumed, cancelled];
  expect((await watchAll({ fromEvent: 3 })).map((event) => event.number)).toEqual([3]);
});

test("a watch from beyond the last event of an ended run ends at once", async () => {
  coordinator.events = [cancelled];
  coordinator.state = RunState.CANCELLED;
  expect(await watchAll({ fromEvent: 9 })).toEqual([]);
});

test("a watch survives a restart of the coordinator", async () => {
  coordinator.events = [resumed];
  const numbers: number[] = [];
  let restarted = false;
  const onReconnect = () => {
    if (restarted) return;
    restarted = true;
    void coordinator.stop().then(() => {
      coordinator.events.push(cancelled);
      return coordinator.start(address);
    });
  };
  for await (const event of client.watch("first", { onReconnect })) numbers.push(event.number);
  expect(numbers).toEqual([1, 2]);
});

test("a watch of a coordinator that stays away gives up and says where it was", async () => {
  coordinator.events = [resumed];
  await expect(watchAll({ giveUpAfterMs: 300 })).rejects.toMatchObject({
    code: "UNAVAILABLE",
    lastNumber: 1,
  });
});

test("a watch that is aborted throws the reason", async () => {
  coordinator.events = [resumed];
  const signal = AbortSignal.timeout(300);
  await expect(watchAll({ signal })).rejects.toMatchObject({ name: "TimeoutError" });
});

test("a wrong token, a missing coordinator and a bad address are told apart", async () => {
  const stranger = new GumshoeClient({ address, token: "x" });
  await expect(stranger.list()).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    message: "the token is wrong",
  });
  stranger.close();
  await coordinator.stop();
  await expect(client.list()).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: `ListRuns at ${address}: nobody answers there`,
  });
  expect(() => new GumshoeClient({ address: "nowhere", token: "t" })).toThrow(InvalidArgumentError);
  expect(() => new GumshoeClient({ token: "" })).toThrow(InvalidArgumentError);
});
