/** The life of a run, with a real coordinator process, a real Redis and fake workers. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import { openModelFolder } from "@gumshoe/engine";
import { RunState } from "@gumshoe/protocol";
import { blockDigests, weightDigest } from "@gumshoe/tensors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import { FakeReducer } from "../../../../test/support/fake-workers.js";

const DAYS_AHEAD_MS = 200 * 86_400_000;
/** A module that sets the clock of a process ahead. */
const SHIFT_DATE = `data:text/javascript,${encodeURIComponent(`
  const Now = Date;
  globalThis.Date = class extends Now {
    constructor(...given) {
      if (given.length === 0) super(Now.now() + ${DAYS_AHEAD_MS});
      else super(...given);
    }
    static now() {
      return Now.now() + ${DAYS_AHEAD_MS};
    }
  };
`)}`;

let cluster: FakeCluster;
let digest: string;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
  digest = (await cluster.run()).weightsDigest;
});
afterAll(() => cluster.close());

describe("a run", () => {
  test("has its events in order", () => {
    const types = cluster.events().map(({ type }) => type);
    const kept = types.filter((type) => !["group-done", "example"].includes(type));
    const iteration = ["iteration-planned", "iteration-sampled", "update-done", "update-done"];
    const validated = iteration.toSpliced(1, 0, "validation-done");
    expect(kept).toEqual([
      ...["run-submitted", "run-started", ...validated, "iteration-done"],
      ...[...iteration, "checkpoint-written", "iteration-done"],
      ...[...validated, "checkpoint-written", "iteration-done"],
      ...["validation-done", "run-done"],
    ]);
  });

  test("has a result with its weights, checkpoints and validations", async () => {
    const result = await cluster.result();
    expect(result).toMatchObject({ run: "small", iterations: 3, updates: 6, logprobGapMax: 0 });
    expect(result.validation.map(({ iteration }) => iteration)).toEqual([0, 2, 3]);
    expect(result.validation[0]).toMatchObject({ count: 3, greedy: { count: 3 } });
  });

  test("writes checkpoints that are model folders, with the weights of the ledger", async () => {
    const { checkpoint } = await cluster.result();
    expect(readdirSync(join(cluster.runFolder(), "checkpoints")).sort()).toEqual(["2", "3"]);
    const model = await openModelFolder(checkpoint);
    const values = await model.readParameters(0, model.layout.numParameters);
    await model.close();
    expect(weightDigest(blockDigests(values))).toBe(digest);
    const manifest = JSON.parse(readFileSync(join(checkpoint, "manifest.json"), "utf8")) as object;
    expect(manifest).toMatchObject({ iteration: 3, update: 6, digest });
  });

  test("writes rollouts and metrics as text", () => {
    const folder = cluster.runFolder();
    const text = gunzipSync(readFileSync(join(folder, "rollouts/1.jsonl.gz"))).toString();
    const lines = text.trim().split("\n");
    expect(lines).toHaveLength(16);
    expect(JSON.parse(lines[5] as string)).toMatchObject({
      group: "1/train/1",
      rollout: 1,
      weights: 2,
    });
    const solution = { A: expect.any(String) as string };
    expect(JSON.parse(lines[0] as string)).toMatchObject({ answer: solution });
    const files = [0, 1, 2].map((iteration) => `${iteration}.jsonl.gz`);
    const validations = [0, 2, 3].map((iteration) => `validation-${iteration}.jsonl.gz`);
    expect(readdirSync(join(folder, "rollouts")).sort()).toEqual([...files, ...validations]);
    const held = gunzipSync(readFileSync(join(folder, `rollouts/${validations[1]}`))).toString();
    // Three tasks with a sampled and a greedy answer each.
    expect(held.trim().split("\n")).toHaveLength(6);
    expect(JSON.parse(held.split("\n")[0] as string)).toMatchObject({
      group: "2/validation/0",
      answer: solution,
    });
  });

  test("writes one complete line of metrics for every iteration", async () => {
    const text = readFileSync(join(cluster.runFolder(), "metrics.jsonl"), "utf8");
    const lines = text.trim().split("\n");
    const figures = lines.map((line) => JSON.parse(line) as Record<string, number>);
    expect(figures.map(({ iteration }) => iteration)).toEqual([0, 1, 2]);
    const number = expect.any(Number) as number;
    for (const line of figures) {
      expect(line).toMatchObject({
        updates: 2,
        meanReward: number,
        rewardLow: number,
        rewardHigh: number,
        rewardCount: 4,
        numGroups: 4,
        numRollouts: 16,
        numZeroVariance: 0,
        numUnscored: 0,
        numTruncated: 0,
        meanAnswerTokens: number,
        loss: number,
        gradNorm: number,
        learningRate: 0.01,
        entropy: 0,
        clipFractionLow: 0,
        clipFractionHigh: 0,
        ratio: 0,
        policyKl: 0,
        seconds: number,
        taskSeconds: number,
        samplingSeconds: number,
        gradingSeconds: 0,
        learningSeconds: number,
        checkpointSeconds: number,
        sampledTokens: number,
      });
    }
    const { validation } = await cluster.result();
    const shown = (prefix: string, line: Record<string, number> | undefined) =>
      ["Reward", "Low", "High", "Count"].map((name) => line?.[`${prefix}${name}`]);
    const [before, , last] = validation.map(({ reward, low, high, count }) => [
      ...[reward, low, high, count],
    ]);
    expect(shown("validation", figures[0])).toEqual(before);
    expect(shown("validation", figures[1])).toEqual([undefined, undefined, undefined, undefined]);
    expect(shown("finalValidation", figures[2])).toEqual(last);
    expect(shown("finalValidation", figures[1])[0]).toBeUndefined();
    const { greedy } = validation[0] ?? {};
    expect(figures[0]).toMatchObject({ validationGreedyReward: greedy?.reward });
  });

  test("describes the answers of a validation by means over its file", async () => {
    const { validation } = await cluster.result();
    const file = join(cluster.runFolder(), "rollouts/validation-2.jsonl.gz");
    const answers = gunzipSync(readFileSync(file)).toString().trim().split("\n");
    const lengths = answers.map((line) => (JSON.parse(line) as { tokens: number }).tokens);
    const mean = (values: readonly number[]) =>
      values.reduce((sum, value) => sum + value, 0) / values.length;
    // The greedy answers follow the sampled ones.
    const numSampled = lengths.length - 3;
    const found = validation.find(({ iteration }) => iteration === 2);
    expect(found?.means?.["answerTokens"]).toBeCloseTo(mean(lengths.slice(0, numSampled)), 12);
    expect(found?.greedyMeans?.["answerTokens"]).toBeCloseTo(mean(lengths.slice(numSampled)), 12);
  });

  test("never trains on a case of its validation set", async () => {
    const source = { type: "generate", tier: "mini", seed: 1 };
    await cluster.run({ name: "overlap", iterations: 1, validation: { source, count: 4 } });
    const [one] = cluster.eventsOf("iteration-planned", "overlap");
    const [other] = cluster.eventsOf("iteration-planned");
    // The same series: without the exclusion both would draw its first four cases.
    expect(one?.tasks).toHaveLength(4);
    expect(one?.tasks.filter((hash) => other?.tasks.includes(hash))).toEqual([]);
  });

  test("is the same run when its config is submitted again, even concurrently", async () => {
    const names = ["twice", "twice", "twice"].map((name) =>
      cluster.submit({ name, iterations: 1 }),
    );
    expect(await Promise.all(names)).toEqual(["twice", "twice", "twice"]);
    await cluster.result("twice");
    expect(cluster.eventsOf("run-submitted", "twice")).toHaveLength(1);
  });

  test("of type sft learns from reference answers, without sampling", async () => {
    const examples = { source: { type: "generate", tier: "mini", seed: 4 }, perUpdate: 6 };
    const sft = { name: "school", type: "sft", examples, iterations: 2 };
    const config = { ...sft, tasks: undefined, rollouts: undefined, validation: null };
    const result = await cluster.run(config);
    expect(result.updates).toBe(4);
    expect(cluster.eventsOf("group-done", "school")).toEqual([]);
    const text = readFileSync(join(cluster.runFolder("school"), "metrics.jsonl"), "utf8");
    const [line = "{}"] = text.split("\n");
    const figures = JSON.parse(line) as Record<string, number>;
    expect(figures).toMatchObject({ updates: 2, loss: expect.any(Number) as number });
    expect(figures["samplingSeconds"]).toBe(0);
    expect(figures).not.toHaveProperty("meanReward");
  });

  test("is rejected at submission when its model does not exist", async () => {
    const submitted = cluster.submit({ name: "lost", model: join(cluster.home, "nowhere") });
    await expect(submitted).rejects.toThrow("nowhere");
    expect(existsSync(cluster.runFolder("lost"))).toBe(false);
  });

  test("is rejected when its name is taken by another config", async () => {
    await expect(cluster.submit({ seed: 6 })).rejects.toThrow("small exists with another config");
  });
});

describe("a run ends with the same weights", () => {
  test("with three reducers", async () => {
    const more = [2, 3].map((n) => new FakeReducer(cluster.workers, `reducer-${n}`));
    for (const reducer of more) await reducer.start();
    expect((await cluster.run({ name: "three" })).weightsDigest).toBe(digest);
    expect(more.map(({ assigned }) => assigned.length)).toEqual([1, 1]);
    for (const reducer of more) await reducer.stop();
  });

  test("when the coordinator is killed during sampling, during learning, and after a checkpoint", async () => {
    const name = "killed";
    await cluster.submit({ name });
    const deaths = [
      ["group-done", 8],
      ["update-done", 1],
      ["checkpoint-written", 1],
    ] as const;
    for (const [event, count] of deaths) {
      await cluster.untilEvents(event, count, name);
      await cluster.endCoordinator("SIGKILL");
      expect(cluster.eventsOf("run-done", name)).toEqual([]);
      await cluster.startCoordinator();
    }
    expect((await cluster.result(name)).weightsDigest).toBe(digest);
    const keys = cluster.eventsOf("group-done", name).map(({ groupKey }) => groupKey);
    expect(new Set(keys).size).toBe(keys.length);
    expect(cluster.eventsOf("run-resumed", name)).toHaveLength(3);
  }, 120_000);

  test("when the coordinator is stopped and restarted", async () => {
    const name = "stopped";
    await cluster.submit({ name });
    await cluster.untilEvents("update-done", 3, name);
    await cluster.endCoordinator("SIGTERM");
    await cluster.startCoordinator();
    expect((await cluster.result(name)).weightsDigest).toBe(digest);
    expect(cluster.eventsOf("run-resumed", name)).toHaveLength(1);
  });

  test("when it resumes with another date, time zone and locale", async () => {
    const name = "elsewhere";
    await cluster.submit({ name });
    await cluster.untilEvents("update-done", 3, name);
    await cluster.endCoordinator("SIGKILL");
    const places = { TZ: "Pacific/Apia", LANG: "tr_TR.UTF-8", LC_ALL: "tr_TR.UTF-8" };
    await cluster.startCoordinator({ ...places, NODE_OPTIONS: `--import=${SHIFT_DATE}` });
    expect((await cluster.result(name)).weightsDigest).toBe(digest);
    const ledger = readFileSync(join(cluster.runFolder(name), "ledger/events.jsonl"), "utf8");
    const [, last = "0"] = /"at":(\d+)[^\n]*\n$/.exec(ledger) ?? [];
    expect(Number(last)).toBeGreaterThan(Date.now() + DAYS_AHEAD_MS / 2);
    await cluster.endCoordinator("SIGTERM");
    await cluster.startCoordinator();
  });

  test("when it is cancelled and submitted again, and its state is running then", async () => {
    const name = "cancelled";
    await cluster.submit({ name });
    await cluster.untilEvents("update-done", 3, name);
    await cluster.users.cancelRun({ name });
    await expect(cluster.result(name)).rejects.toThrow("cancelled");
    await cluster.submit({ name });
    await cluster.untilEvents("run-resumed", 1, name);
    // An event is on disk slightly before it is applied to the run's state.
    const state = async () => (await cluster.users.getRun({ name })).state;
    await expect.poll(state, { interval: 5 }).toBe(RunState.RUNNING);
    expect((await cluster.result(name)).weightsDigest).toBe(digest);
  });
});
