/**
 * A run on a mix of sources whose answers get several rewards: from a judge of whole groups, from a
 * server, and from a module that grades the questions of a file. It ends with the same weights for
 * any number of workers and after a crash, and a judge is never asked again for a group that is done.
 */
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import type { RunResult } from "@gumshoe/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { type Gumshoe, GumshoeHomes, ROOT, stillAlive } from "../support/gumshoe.js";

const RUN = "mixed";
// A machine with much other load takes several times the usual half minute.
const TEST_TIMEOUT_MS = 240_000;

const JUDGE = `import { appendFileSync } from "node:fs";
export const createEnvironment = ({ log }) => ({
  task: ({ index, rng }) => ({
    messages: [{ role: "user", content: "Story " + index + " of " + rng.below(1000) }],
  }),
  gradeGroup({ id }, replies) {
    appendFileSync(log, JSON.stringify([id, replies]) + "\\n");
    const order = [...replies].sort();
    return replies.map((reply) => {
      return { rewards: { good: order.indexOf(reply), short: 1 / (1 + reply.length) } };
    });
  },
});
`;
const GRADER = `export const createEnvironment = () => ({
  grade: ({ answer }, reply) => ({
    rewards: { good: reply.split(answer).length - 1, short: 1 / (1 + reply.length) },
  }),
});
`;

/** Listens on a port; 0 for a free one. */
async function listen(port: number): Promise<Server> {
  const started = createServer(answer);
  started.listen(port, "127.0.0.1");
  await once(started, "listening");
  return started;
}

/** Ends the server and its connections. */
async function end(): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** A server whose grades are a function of the replies. */
let server: Server;
function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const call = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>;
    const answers: Record<string, () => unknown> = {
      "/version": () => ({ version: "1" }),
      "/task": () => ({
        messages: [
          { role: "user", content: `Letter ${String(call["index"])} of ${String(call["seed"])}` },
        ],
      }),
      "/grade": () => ({
        grades: (call["replies"] as string[]).map((reply) => {
          return { rewards: { good: reply.split("e").length, short: 1 / (1 + reply.length) } };
        }),
      }),
    };
    response.end(JSON.stringify(answers[request.url ?? ""]?.()));
  });
}

const homes = new GumshoeHomes();
let reference: RunResult;
let first: Gumshoe;

beforeAll(async () => {
  server = await listen(0);
  first = await homes.open();
  reference = await first.run([configIn(first), "--threads", "1"]);
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await homes.close();
  await end();
});

/** Writes the config with its files into a home; returns its path. */
function configIn({ home }: Gumshoe): string {
  const write = (name: string, text: string) => {
    writeFileSync(join(home, name), text);
    return join(home, name);
  };
  const rows = ["Who?,Green", "Where?,Hall", "When?,noon", "Why?,Revenge", "How?,Rope"];
  const sources = (seed: number) => [
    {
      name: "judged",
      weight: 2,
      source: {
        type: "module",
        module: write("judge.mjs", JUDGE),
        seed,
        options: { log: join(home, "judge.log") },
      },
    },
    {
      name: "served",
      source: {
        type: "http",
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        seed,
      },
    },
    {
      name: "asked",
      source: {
        type: "file",
        file: write("questions.csv", ["prompt,answer", ...rows].join("\n")),
        split: seed === 1 ? [0, 4] : [4, 5],
        grader: { type: "module", module: write("grader.mjs", GRADER) },
      },
    },
  ];
  const config = {
    type: "grpo",
    seed: 7,
    model: join(ROOT, "models/rookie"),
    iterations: 2,
    tasks: {
      source: { type: "mix", sources: sources(1) },
      perIteration: 8,
      rewards: { weights: { good: 1, short: 0.5 }, aggregation: "normalize-then-sum" },
    },
    rollouts: { perTask: 4, maxAnswerTokens: 24 },
    optimizer: { lr: 1e-4 },
    validation: { source: { type: "mix", sources: sources(2) }, count: 4, every: 2 },
  };
  return write(`${RUN}.yaml`, JSON.stringify(config));
}

interface RolloutLine {
  readonly group: string;
  readonly task: string;
  readonly source: string;
  readonly reply: string;
  readonly reward: number;
  readonly metrics: Record<string, number>;
}

function rolloutsOf({ home }: Gumshoe, file: string): RolloutLine[] {
  const bytes = readFileSync(join(home, "runs", RUN, "rollouts", `${file}.jsonl.gz`));
  const lines = gunzipSync(bytes).toString().trim().split("\n");
  return lines.map((line) => JSON.parse(line) as RolloutLine);
}

const judgeLog = ({ home }: Gumshoe) => {
  const file = join(home, "judge.log");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
};

describe("a run on a mix of sources with several rewards", { timeout: TEST_TIMEOUT_MS }, () => {
  test("learns from all sources, and has rewards and validation by source and by name", () => {
    expect(reference).toMatchObject({ iterations: 2, updates: 4, logprobGapMax: 0 });
    const { sources = {}, means = {} } = reference.validation[0] ?? {};
    expect(Object.keys(sources)).toEqual(["judged", "served", "asked"]);
    expect(Object.values(sources).map(({ count }) => count)).toEqual([2, 1, 1]);
    expect(means).toHaveProperty(["rewards.good"]);
    const file = join(first.home, "runs", RUN, "metrics.jsonl");
    const [line = ""] = readFileSync(file, "utf8").split("\n");
    const metrics = JSON.parse(line) as Record<string, number>;
    const shares = ["judged", "served", "asked"].map(
      (name) => metrics[`sources.${name}.numGroups`],
    );
    expect(shares).toEqual([4, 2, 2]);
    const rollouts = rolloutsOf(first, "0");
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
    const served = rollouts.filter(({ source }) => source === "served");
    expect(metrics["sources.served.meanReward"]).toBeCloseTo(mean(served.map((r) => r.reward)), 12);
    const short = rollouts.map((r) => r.metrics["rewards.short"] ?? Number.NaN);
    expect(metrics["rewards.short"]).toBeCloseTo(mean(short), 12);
    for (const { reward, metrics: own } of rollouts) {
      const [good = 0, shortOne = 0] = [own["rewards.good"], own["rewards.short"]];
      expect(reward).toBeCloseTo(good + 0.5 * shortOne, 12);
    }
    expect(metrics["sources.judged.validationCount"]).toBe(2);
  });

  test("ends with the same weights with two workers, while its server is away, after kill -9 of all, and judges no group twice", async () => {
    const gumshoe = await homes.open();
    const config = configIn(gumshoe);
    const words = ["run", config, "--inference", "2", "--threads", "1", "--json"];
    const running = gumshoe.start(words);
    await running.untilEvents(RUN, "group-done", 1);
    const { port } = server.address() as AddressInfo;
    await end();
    const waits = /"the run waits: \S+\.url: http:\S+ cannot be reached/;
    await running.until("it says what it waits for", () => waits.test(running.log("coordinator")));
    server = await listen(port);
    await running.untilEvents(RUN, "group-done", 11);
    const pids = ["coordinator", "inference-1", "redis"].map((name) => running.pid(name));
    running.child.kill("SIGKILL");
    await running.ended;
    expect(await stillAlive(pids)).toEqual([]);
    const ledger = readFileSync(join(gumshoe.home, "runs", RUN, "ledger/events.jsonl"), "utf8");
    const before = judgeLog(gumshoe).length;

    const result = await gumshoe.run([config, "--threads", "1"]);
    const comparable = (one: RunResult) => ({ ...one, seconds: 0, checkpoint: "" });
    expect(comparable(result)).toEqual(comparable(reference));
    const replies = new Map<string, [string, string[]]>();
    for (const file of ["0", "validation-0"]) {
      for (const { group, task, source, reply } of rolloutsOf(gumshoe, file)) {
        if (source !== "judged") continue;
        const [, known] = replies.get(group) ?? [task, []];
        replies.set(group, [task, [...known, reply]]);
      }
    }
    const done = [...replies].filter(([group]) => ledger.includes(`"groupKey":"${group}"`));
    expect(done.length).toBeGreaterThan(0);
    const again = judgeLog(gumshoe).slice(before);
    expect(again.length).toBeGreaterThan(0);
    for (const [, group] of done) expect(again).not.toContain(JSON.stringify(group));
  });
});
