import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ClusterError, InvalidArgumentError, sha256 } from "@gumshoe/core";
import { parseRunConfig, resolvePaths } from "@gumshoe/config";
import {
  Checkpoint,
  CheckpointChunk,
  Rollout,
  Run,
  type RunEvent,
  type RunEventBody,
  RunService,
  RunState,
  toRunEvent,
  type WatchedEvent,
} from "@gumshoe/protocol";
import { type CallContext, RpcServer } from "@gumshoe/rpc";
import { afterEach, beforeEach, expect, test } from "vitest";

import { GumshoeClient } from "./gumshoe-client.js";

const CONFIG = `
name: first
type: grpo
model: models/rookie
tasks: { source: { type: generate } }
`;

/** A minimal coordinator with one run and a list of events. */
class TinyCoordinator {
  events: RunEventBody[] = [];
  asked: number[] = [];
  /** The submission time that each submit asked to replace. */
  replaced: (number | undefined)[] = [];
  /** Number of removals whose response is lost. */
  numAnswersLost = 0;
  #isForgotten = false;
  state = RunState.RUNNING;
  /** Number of messages after which the stream breaks; the next stream sends the others. */
  cutAfter = Infinity;
  perMessage = 1;
  #server = new RpcServer({ token: "t" });

  async start(address: string): Promise<string> {
    this.#server = new RpcServer({ token: "t" });
    const run = (): Run => Run.create({ name: "first", state: this.state, submittedAtMs: 77 });
    this.#server.serve(RunService, {
      submitRun: async ({ config, folder, replacesSubmittedAtMs }) => {
        this.replaced.push(replacesSubmittedAtMs);
        const parsed = resolvePaths(parseRunConfig(config), folder ?? null);
        return Run.create({
          name: parsed.name,
          state: RunState.QUEUED,
          configJson: JSON.stringify(parsed),
          iterationsTotal: parsed.iterations,
        });
      },
      getRun: async ({ name }) => {
        if (name !== "first") throw new ClusterError("NOT_FOUND", `there is no run ${name}`);
        return run();
      },
      listRuns: async () => ({ runs: [run()] }),
      cancelRun: async () => ({ ...run(), state: RunState.CANCELLED }),
      prioritizeRun: async ({ priority }) => ({ ...run(), priority }),
      forgetRun: async ({ name }) => this.#forget(name),
      getFleet: async () => ({ workers: [], coordinator: undefined }),
      listRollouts: async ({ pageToken, kind }) => {
        const index = Number(pageToken);
        const rollouts = [Rollout.create({ groupKey: `0/${kind}/0`, index, text: "answer" })];
        return { rollouts, nextPageToken: index < 2 ? String(index + 1) : "" };
      },
      listCheckpoints: async () => ({ checkpoints: [Checkpoint.create({ iteration: 2 })] }),
      downloadCheckpoint: async function* ({ checkpoint }) {
        const files = [{ name: "empty", bytes: 0, sha256: sha256("") }];
        if (checkpoint === "best")
          yield CheckpointChunk.create({ checkpoint: Checkpoint.create({ files }) });
        else throw new ClusterError("NOT_FOUND", "it is gone");
      },
      watchRun: ({ fromEvent }, context) => this.#watch(fromEvent, context),
    });
    return this.#server.listen(address);
  }

  stop(): Promise<void> {
    return this.#server.stop(0);
  }

  #forget(name: string): { freedBytes: number } {
    if (this.#isForgotten) throw new ClusterError("NOT_FOUND", `there is no run ${name}`);
    this.#isForgotten = true;
    if (this.numAnswersLost-- > 0) throw new ClusterError("UNAVAILABLE", "the connection broke");
    return { freedBytes: 5 };
  }

  #stored(from: number): WatchedEvent[] {
    return this.events.slice(from - 1).map((body, i) => ({ number: from + i, atMs: 0, body }));
  }

  async *#watch(fromEvent: number, { signal }: CallContext): AsyncGenerator<RunEvent> {
    this.asked.push(fromEvent);
    const first = Math.max(1, fromEvent);
    let sent = 0;
    for (let number = first; number <= this.events.length; number++) {
      if (sent++ === this.cutAfter || signal.aborted) return;
      const later = this.#stored(number).slice(1, this.perMessage);
      yield toRunEvent(this.#stored(number)[0] as WatchedEvent, later);
      number += later.length;
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

test("a submitted run is returned with its resolved config", async () => {
  const run = await client.submit(CONFIG);
  expect(run).toMatchObject({ name: "first", state: "queued", iterationsTotal: 40, result: null });
  expect(run.config).toEqual(parseRunConfig(CONFIG));
  expect(await client.submit(parseRunConfig(CONFIG))).toEqual(run);
});

test("a fresh run replaces the existing run of its name, identified by its submission time", async () => {
  await client.submit(CONFIG);
  await client.submit(CONFIG, { fresh: true });
  await client.submit(CONFIG.replace("first", "second"), { fresh: true });
  expect(coordinator.replaced).toEqual([undefined, 77, undefined]);
});

test("a run is removed once, and a second removal is NOT_FOUND", async () => {
  expect(await client.forget("first")).toEqual({ name: "first", freedBytes: 5 });
  await expect(client.forget("first")).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("a run that is gone after the response to its removal was lost counts as removed", async () => {
  coordinator.numAnswersLost = 1;
  expect(await client.forget("first")).toEqual({ name: "first", freedBytes: null });
});

test("an invalid config is rejected with the field and a suggestion", async () => {
  await expect(client.submit(`${CONFIG}iteration: 3\n`)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: "iteration: unknown field (did you mean iterations?)",
    details: { field: "iteration" },
  });
});

test("runs can be fetched, listed and cancelled, and the fleet can be fetched", async () => {
  expect((await client.get("first")).state).toBe("running");
  expect((await client.list()).map((run) => run.name)).toEqual(["first"]);
  expect((await client.cancel("first")).state).toBe("cancelled");
  expect((await client.prioritize("first", -7)).priority).toBe(-7);
  expect(await client.fleet()).toEqual([]);
});

test("a config larger than 64 KiB is rejected before it is sent", async () => {
  await expect(client.submit(`${CONFIG}#${"x".repeat(65_536)}`)).rejects.toMatchObject({
    name: "RequestTooLargeError",
    code: "INVALID_ARGUMENT",
  });
});

test("answers are fetched page by page", async () => {
  const page = await client.rolloutPage("first", { kind: "train" });
  expect(page).toMatchObject({ nextPageToken: "1", rollouts: [{ groupKey: "0/train/0" }] });
  const indices: number[] = [];
  for await (const { index, reward, text } of client.rollouts("first")) {
    expect({ reward, text }).toEqual({ reward: null, text: "answer" });
    indices.push(index);
  }
  expect(indices).toEqual([0, 1, 2]);
});

test("a checkpoint is listed and downloaded; a missing one leaves no files", async () => {
  expect(await client.checkpoints("first")).toMatchObject([{ iteration: 2, reward: null }]);
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-client-"));
  try {
    const out = join(folder, "best");
    expect(await client.download("first", { out })).toMatchObject({ folder: out, bytes: 0 });
    const gone = client.download("first", { out: join(folder, "gone"), checkpoint: 7 });
    await expect(gone).rejects.toMatchObject({ code: "NOT_FOUND", message: "it is gone" });
    expect(readdirSync(folder)).toEqual(["best"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a watch ends with the run, not at an earlier end of a resumed run", async () => {
  coordinator.events = [cancelled, resumed, { type: "run-failed", error: "broken" }];
  const types = (await watchAll()).map((event) => event.body.type);
  expect(types).toEqual(["run-cancelled", "run-resumed", "run-failed"]);
});

test("a broken watch continues after the last received event", async () => {
  coordinator.events = [resumed, resumed, resumed, cancelled];
  coordinator.cutAfter = 3;
  const numbers = (await watchAll()).map((event) => event.number);
  expect(numbers).toEqual([1, 2, 3, 4]);
  expect(coordinator.asked).toEqual([1, 4]);
});

test("events of one message are yielded one by one", async () => {
  coordinator.perMessage = 2;
  coordinator.events = [resumed, resumed, resumed, resumed, cancelled];
  coordinator.cutAfter = 1;
  const numbers = (await watchAll()).map((event) => event.number);
  expect(numbers).toEqual([1, 2, 3, 4, 5]);
  expect(coordinator.asked).toEqual([1, 3, 5]);
});

test("relative paths of a config file start at the file's folder", async () => {
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-config-"));
  writeFileSync(join(folder, "first.yaml"), CONFIG);
  const run = await client.submitFile(join(folder, "first.yaml"));
  expect(run.config?.model).toBe(join(folder, "models/rookie"));
  await expect(client.submitFile(join(folder, "gone.yaml"))).rejects.toThrow(
    /gone\.yaml cannot be read: ENOENT/,
  );
  rmSync(folder, { recursive: true });
});

test("relative paths of a config's text start at the given folder, which must be absolute", async () => {
  const run = await client.submit(CONFIG, { folder: "/data/runs" });
  expect(run.config?.model).toBe("/data/runs/models/rookie");
  expect((await client.submit(CONFIG)).config?.model).toBe("models/rookie");
  await expect(client.submit(CONFIG, { folder: "runs" })).rejects.toThrow(
    "folder: runs is not an absolute path",
  );
});

test("a watch can start at a later event", async () => {
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

test("a watch fails when the coordinator stays unreachable, and reports its last event", async () => {
  coordinator.events = [resumed];
  await expect(watchAll({ giveUpAfterMs: 300 })).rejects.toMatchObject({
    code: "UNAVAILABLE",
    lastNumber: 1,
  });
});

test("an aborted watch throws the signal's reason", async () => {
  coordinator.events = [resumed];
  const signal = AbortSignal.timeout(300);
  await expect(watchAll({ signal })).rejects.toMatchObject({ name: "TimeoutError" });
});

test("a wrong token, a missing coordinator and an invalid address have different errors", async () => {
  const stranger = new GumshoeClient({ address, token: "x" });
  await expect(stranger.list()).rejects.toMatchObject({
    code: "UNAUTHENTICATED",
    message: "the token is wrong",
  });
  stranger.close();
  await coordinator.stop();
  await expect(client.list()).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: `ListRuns at ${address}: no server answers there`,
  });
  expect(() => new GumshoeClient({ address: "nowhere", token: "t" })).toThrow(InvalidArgumentError);
  expect(() => new GumshoeClient({ token: "" })).toThrow(InvalidArgumentError);
});
