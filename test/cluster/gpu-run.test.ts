/**
 * A run on four emulated GPUs, with a real process for each worker: one samples, two train, one reduces. Its
 * weights are those of the CPU's run, whatever order the GPUs work in, and when a worker is killed.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import type { RunResult } from "@gumshoe/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";
import { FakeCluster } from "../support/fake-cluster.js";
import { COMMAND, GumshoeHomes, ROOT } from "../support/gumshoe.js";

const TEST_TIMEOUT_MS = 90_000;
const RUN = "gpus";
const CONFIG = `
name: ${RUN}
type: grpo
seed: 7
model: ${join(ROOT, "models/rookie")}
iterations: 2
tasks:
  source: { type: generate, tier: mini, style: clear, seed: 501 }
  perIteration: 2
rollouts: { perTask: 4, temperature: 1, maxAnswerTokens: 24 }
updatesPerIteration: 1
lanes: 2
maxPackTokens: 512
optimizer: { lr: 1.0e-3 }
`;
const GPUS = ["--device", "cuda", "--trainers", "2", "--threads", "1"];

const execute = promisify(execFile);
const folder = emulatedFolder();
const homes = new GumshoeHomes();

describe.skipIf(folder === null)("a run on GPUs", { timeout: TEST_TIMEOUT_MS }, () => {
  const configFolder = mkdtempSync(join(tmpdir(), "gumshoe-gpus-"));
  const config = join(configFolder, "gpus.yaml");
  let reference: RunResult;

  const gpus = (schedule: number): NodeJS.ProcessEnv => ({
    ...new EmulatedGpu(folder ?? "").environment,
    GUMSHOE_EMULATED_GPUS: "4",
    GUMSHOE_EMULATED_SCHEDULE: String(schedule),
  });

  beforeAll(async () => {
    writeFileSync(config, CONFIG);
    reference = await (await homes.open()).run([config, "--threads", "1"]);
    expect(reference).toMatchObject({ iterations: 2, updates: 2, logprobGapMax: 0 });
  }, TEST_TIMEOUT_MS);

  afterAll(async () => {
    await homes.close();
    rmSync(configFolder, { recursive: true });
  });

  test("ends with the CPU's weights, its workers on one GPU each", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", config, ...GPUS, "--json"], gpus(0));
    await running.untilEvents(RUN, "group-done", 1);
    const fleet = (await running.fleet()).map(({ role, device }) => `${role} ${device}`);
    expect(fleet.sort()).toEqual([
      "inference cuda:0 Emulated GPU 0",
      "reducer cuda:3 Emulated GPU 3",
      "trainer cuda:1 Emulated GPU 1",
      "trainer cuda:2 Emulated GPU 2",
    ]);
    expect(comparable(await running.result())).toEqual(comparable(reference));
  });

  test("ends with the CPU's weights when a trainer is killed, in another order of work", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", config, ...GPUS, "--json"], gpus(5));
    await running.untilEvents(RUN, "update-done", 1);
    running.kill("trainer-1");
    expect(comparable(await running.result())).toEqual(comparable(reference));
    expect(running.err).toContain("trainer-1 died (SIGKILL); starting it again");
  });

  test("is followed by evaluations and scores on a GPU, with the CPU's answers and log-probs", async () => {
    const model = ["--model", join(ROOT, "models/rookie")];
    const data = join(configFolder, "answers.jsonl");
    writeFileSync(data, `${JSON.stringify({ prompt: "Who?", answer: "A. Mr. Green" })}\n`);
    const source = ["--source", "{ type: generate, tier: mini }", "--limit", "2"];
    const ways = [
      ["eval", ...model, ...source, "--samples", "2", "--max-tokens", "12", "--json"],
      ["score", ...model, "--data", data, "--json"],
    ];
    for (const words of ways) {
      const out = async (more: readonly string[], env: NodeJS.ProcessEnv) => {
        const options = { cwd: configFolder, env: { ...process.env, ...env } };
        const { stdout } = await execute(process.execPath, [COMMAND, ...words, ...more], options);
        return numbersOf(stdout);
      };
      const onGpu = await out(["--device", "cuda:2"], gpus(3));
      expect(onGpu).toEqual(await out(["--threads", "1"], {}));
    }
  });

  test("does not begin on a GPU that is not there", async () => {
    const gumshoe = await homes.open();
    const running = gumshoe.start(["run", config, "--device", "cuda:7"], gpus(0));
    const { code, err } = await running.ended;
    expect(err).toContain("cuda:7: there is no GPU 7 (this machine has 0 to 3)");
    expect(code).toBe(2);
  });
});

test.skipIf(folder === null)(
  "workers take free GPUs; one too many waits for that of a killed one",
  { timeout: TEST_TIMEOUT_MS },
  async () => {
    const cluster = await FakeCluster.start();
    const gpus = { ...new EmulatedGpu(folder ?? "").environment, GUMSHOE_EMULATED_GPUS: "2" };
    const workers = [0, 1, 2].map(() =>
      cluster.spawnTrainer({ ...gpus, GUMSHOE_DEVICE: "cuda:free" }),
    );
    const both = ["cuda:0 Emulated GPU 0", "cuda:1 Emulated GPU 1"];
    /** The trainers that have a GPU, by process id. */
    const owners = async (): Promise<Map<number, string>> => {
      const fleet = await cluster.users.getFleet({});
      const idle = fleet.workers.filter(({ state }) => state === "idle");
      return new Map(idle.map(({ pid, device }) => [pid, device]));
    };
    const devices = async () => [...(await owners()).values()].sort();
    try {
      await expect.poll(devices, { timeout: 30_000 }).toEqual(both);
      const had = await owners();
      const spare = workers.find(({ pid }) => !had.has(pid ?? 0));
      const [killed, device] = [...had][0] as [number, string];
      process.kill(killed, "SIGKILL");
      const taken = async () => (await owners()).get(spare?.pid ?? 0);
      await expect.poll(taken, { timeout: 30_000 }).toBe(device);
    } finally {
      for (const worker of workers) worker.kill("SIGKILL");
      await cluster.close();
    }
  },
);

/** A result without its times, and without the name of its file. */
function numbersOf(text: string): unknown {
  const {
    seconds: _seconds,
    replies: _replies,
    ...numbers
  } = JSON.parse(text) as Record<string, unknown>;
  return numbers;
}

/** The part of a result that must not differ. */
function comparable(result: RunResult): RunResult {
  return { ...result, seconds: 0, checkpoint: "" };
}
