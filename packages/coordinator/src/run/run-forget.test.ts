/** Removing and replacing runs, with a real coordinator process, a real Redis and fake workers. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { errorMessage } from "@gumshoe/core";
import {
  FleetService,
  fromRunEvent,
  PROTOCOL_VERSION,
  type Run,
  RunState,
  type SubmitGroupRequest,
} from "@gumshoe/protocol";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { FakeCluster, until } from "../../../../test/support/fake-cluster.js";

let cluster: FakeCluster;
/** While set, workers submit groups only after it has resolved. */
let gate: Promise<void> | null = null;
let numHeld = 0;
let maxHeld = 0;
/** Outcomes of the delayed submissions. */
const held: string[] = [];

beforeAll(async () => {
  cluster = await FakeCluster.start();
  const group = async (
    made: SubmitGroupRequest,
    submit: (changed: SubmitGroupRequest) => Promise<unknown>,
  ) => {
    if (gate === null || numHeld >= maxHeld) return made;
    numHeld += 1;
    await gate;
    held.push(await submit(made).then(() => "taken", errorMessage));
    return made;
  };
  await cluster.addWorkers({ group });
});
afterAll(() => cluster.close());

/** Delays the submission of up to `count` groups until the returned function is called. */
function hold(count = Number.POSITIVE_INFINITY): () => void {
  maxHeld = count;
  let release = () => undefined as void;
  numHeld = 0;
  gate = new Promise((resolve) => {
    release = () => {
      gate = null;
      resolve();
    };
  });
  return release;
}

const SHORT = { iterations: 1, validation: null, checkpoint: { every: 1 } };
const forget = (name: string) => cluster.users.forgetRun({ name });
const names = async () => (await cluster.users.listRuns({})).runs.map(({ name }) => name);
const runFolders = () => readdirSync(join(cluster.home, "runs"));

async function replace(run: Run, changes: Record<string, unknown>): Promise<Run> {
  const config = cluster.config({ name: run.name, ...SHORT, ...changes });
  const { submittedAtMs: replacesSubmittedAtMs } = run;
  return cluster.users.submitRun({ config, replacesSubmittedAtMs });
}

describe("a run that has ended", () => {
  test("is removed with its files, the freed bytes are returned, and its name is free", async () => {
    await cluster.run({ name: "gone", ...SHORT });
    const { freedBytes } = await forget("gone");
    // A checkpoint's size; the file of the optimizer's moments is sparse.
    expect(freedBytes).toBeGreaterThan(500_000);
    expect(runFolders()).not.toContain("gone");
    expect(runFolders().filter((name) => name.startsWith("."))).toEqual([]);
    await expect(forget("gone")).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "there is no run gone",
    });
    await cluster.endCoordinator("SIGTERM");
    await cluster.startCoordinator();
    expect(await names()).not.toContain("gone");
    const again = await cluster.run({ name: "gone", ...SHORT, seed: 6 });
    expect(again).toMatchObject({ run: "gone", iterations: 1 });
  });

  test("is still streamed to a watcher that lags behind, but cannot be watched anew", async () => {
    await cluster.run({ name: "watched", ...SHORT });
    const request = { name: "watched", fromEvent: 0, gatherMs: 0 };
    const types: (string | undefined)[] = [];
    for await (const message of cluster.users.watchRun(request)) {
      if (types.length === 0) await forget("watched");
      types.push(fromRunEvent(message)?.body.type);
    }
    expect(types.at(-1)).toBe("run-done");
    const watch = cluster.users.watchRun(request)[Symbol.asyncIterator]();
    await expect(watch.next()).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("is not removed while an unfinished run reads its files", async () => {
    const { checkpoint } = await cluster.run({ name: "base", ...SHORT });
    const release = hold();
    await cluster.submit({ name: "reader", ...SHORT, model: checkpoint });
    await expect(forget("base")).rejects.toThrow(/^run base is not removed: run reader, which is/);
    await cluster.users.cancelRun({ name: "reader" });
    release();
    const base = await cluster.users.getRun({ name: "base" });
    const replaced = replace(base, { model: checkpoint });
    await expect(replaced).rejects.toThrow("run base is not removed: the new run reads");
    await forget("base");
  });
});

describe("a run that has not ended", () => {
  test("is neither removed nor replaced, and the error says what to do", async () => {
    const release = hold();
    await cluster.submit({ name: "first", ...SHORT });
    await cluster.submit({ name: "second", ...SHORT });
    await until("a group is held", () => numHeld > 0);
    await expect(forget("first")).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: "run first is running; cancel it first (npx gumshoe cancel first)",
    });
    await expect(forget("second")).rejects.toThrow("run second is queued; cancel it first");
    const first = await cluster.users.getRun({ name: "first" });
    await expect(replace(first, { seed: 9 })).rejects.toThrow("run first is running");
    for (const name of ["second", "first"]) {
      await cluster.users.cancelRun({ name });
      await forget(name);
      expect(existsSync(cluster.runFolder(name))).toBe(false);
    }
    release();
  });
});

describe("a removal that is interrupted", () => {
  test("removes the run once it has begun, and the next start deletes the rest", async () => {
    await cluster.run({ name: "cut", ...SHORT });
    await cluster.run({ name: "renamed", ...SHORT });
    // Many files, so that the deletion can be interrupted.
    const blobs = join(cluster.runFolder("cut"), "blobs");
    for (let i = 0; i < 2000; i++) writeFileSync(join(blobs, `extra-${i}`), "");
    const forgotten = forget("cut").catch(() => undefined);
    await until("the folder is renamed", () => !existsSync(cluster.runFolder("cut")));
    await cluster.endCoordinator("SIGKILL");
    await forgotten;
    // The state after a removal that was interrupted just after its rename.
    const moved = join(cluster.home, "runs", ".removed-renamed-01234567");
    renameSync(cluster.runFolder("renamed"), moved);
    await cluster.startCoordinator();
    const left = [...(await names()), ...runFolders()];
    expect(left.filter((name) => /cut|renamed/.test(name))).toEqual([]);
  }, 120_000);
});

describe("a run whose folder was removed by hand", () => {
  test("is shown as failed with advice, cannot be resumed, and can be removed", async () => {
    await cluster.run({ name: "lost", ...SHORT });
    rmSync(cluster.runFolder("lost"), { recursive: true });
    const problem = /^the files of run lost are gone: .*\(npx gumshoe forget lost\)$/;
    const lost = await cluster.users.getRun({ name: "lost" });
    const about = { state: RunState.FAILED, error: expect.stringMatching(problem) as string };
    expect(lost).toMatchObject({ ...about, resultJson: "" });
    const { runs } = await cluster.users.listRuns({});
    expect(runs.find(({ name }) => name === "lost")).toMatchObject(about);
    const watch = cluster.users.watchRun({ name: "lost", fromEvent: 0, gatherMs: 0 });
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow(problem);
    await expect(cluster.submit({ name: "lost", ...SHORT })).rejects.toThrow(problem);
    await expect(cluster.submit({ name: "lost", seed: 8 })).rejects.toThrow(problem);
    expect(await forget("lost")).toEqual({ freedBytes: 0 });
    expect(await cluster.run({ name: "lost", ...SHORT })).toMatchObject({ iterations: 1 });
  });

  test("can be replaced in one step", async () => {
    await cluster.run({ name: "swept", ...SHORT });
    rmSync(cluster.runFolder("swept"), { recursive: true });
    await replace(await cluster.users.getRun({ name: "swept" }), {});
    expect(await cluster.result("swept")).toMatchObject({ iterations: 1 });
  });
});

describe("a run to be resumed", () => {
  test("is refused where the workers have too little memory by now, unless that is allowed", async () => {
    const release = hold();
    const config = cluster.config({ name: "moved", ...SHORT });
    await cluster.users.submitRun({ config });
    await cluster.users.cancelRun({ name: "moved" });
    release();
    const fleet = cluster.workers.coordinator.client(FleetService);
    const worker = { workerId: "small", role: "inference", host: "small", pid: 1, device: "cpu" };
    const more = { address: "127.0.0.1:1", memoryBytes: 1e6, protocolVersion: PROTOCOL_VERSION };
    await fleet.register({ ...worker, ...more });
    await expect(cluster.users.submitRun({ config })).rejects.toMatchObject({
      code: "FAILED_PRECONDITION",
      message: expect.stringMatching(
        /^run moved needs .* on the machine small, which has/,
      ) as string,
    });
    expect(cluster.eventsOf("run-submitted", "moved")).toHaveLength(1);
    await cluster.users.submitRun({ config, allowOvercommit: true });
    await fleet.leave({ workerId: "small" });
    expect(await cluster.result("moved")).toMatchObject({ iterations: 1 });
  });
});

describe("a run with another config", () => {
  test("is rejected with the differing fields and advice", async () => {
    await cluster.run({ name: "taken", ...SHORT });
    const optimizer = { lr: 0.02 };
    await expect(
      cluster.submit({ name: "taken", ...SHORT, seed: 8, optimizer }),
    ).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message:
        "run taken exists with another config: seed is 5 there and 8 here, optimizer.lr is 0.01 there and " +
        "0.02 here; give this run another name (--name) or replace that one (--fresh)",
    });
  });

  test("replaces the old one once, and only when its config is valid", async () => {
    await cluster.run({ name: "old", ...SHORT });
    const old = await cluster.users.getRun({ name: "old" });
    const marker = join(cluster.runFolder("old"), "marker");
    mkdirSync(marker);
    await expect(replace(old, { model: join(cluster.home, "nowhere") })).rejects.toThrow("nowhere");
    expect(existsSync(marker)).toBe(true);
    await replace(old, { seed: 8 });
    // Repeat the call, as a client does after losing the response.
    await replace(old, { seed: 8 });
    await cluster.result("old");
    await replace(old, { seed: 8 });
    expect(existsSync(marker)).toBe(false);
    expect(cluster.eventsOf("run-submitted", "old")).toHaveLength(1);
    expect(cluster.eventsOf("run-submitted", "old")[0]?.config).toMatchObject({ seed: 8 });
  });

  test("does not accept answers that a worker sampled for the old one", async () => {
    const { weightsDigest } = await cluster.run({ name: "clean", ...SHORT, seed: 11 });
    const release = hold(1);
    await cluster.submit({ name: "reused", ...SHORT, seed: 10 });
    await until("a group is held", () => numHeld > 0);
    await cluster.users.cancelRun({ name: "reused" });
    await forget("reused");
    await cluster.submit({ name: "reused", ...SHORT, seed: 11 });
    await cluster.untilEvents("group-done", 3, "reused");
    held.splice(0);
    release();
    expect((await cluster.result("reused")).weightsDigest).toBe(weightsDigest);
    expect(held).toEqual([expect.stringMatching(/of another run of this name is not wanted/)]);
  });
});
