/**
 * What `staleness` gains where sampling and learning have cores of their own: the same run alternately without and
 * with it, its inference worker on one core, all other processes on another. Linux only.
 *
 *   node bench/staleness.mjs [--config runs/first.yaml] [--staleness 1] [--iterations 12] [--turns 3] [--json]
 *
 * Without staleness, one of the two cores always waits: an iteration takes sampling + learning. Overlapped, it takes
 * the longer of the two at best, which is the limit that is printed.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parseRunConfig, resolvePaths } from "@gumshoe/config";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMAND = join(ROOT, "packages/cli/bin/gumshoe.js");
const FLEET = ["--inference", "1", "--trainers", "1", "--reducers", "1", "--threads", "1"];
/** The first iterations include starts, and the last has nothing to overlap with. */
const SKIPPED = 2;

const { values } = parseArgs({
  options: {
    config: { type: "string", default: join(ROOT, "runs/first.yaml") },
    staleness: { type: "string", default: "1" },
    iterations: { type: "string", default: "12" },
    turns: { type: "string", default: "3" },
    json: { type: "boolean", default: false },
  },
});
const [staleness, iterations, turns] = [values.staleness, values.iterations, values.turns].map(
  (text, i) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= (i === 1 ? SKIPPED + 2 : 1)) return number;
    throw new Error(
      `--${["staleness", "iterations", "turns"][i]} ${text} is too small or no whole number`,
    );
  },
);
if (availableParallelism() < 2) throw new Error("it needs two cores");

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

/** Puts all threads of a process on a core; those that it starts later are there, too. */
function pin(pid, core) {
  execFileSync("taskset", ["-a", "-p", "-c", String(core), String(pid)], { stdio: "ignore" });
}

/** Pins the processes of a cluster as they come. */
async function pinAll(home, child) {
  const pinned = new Set();
  while (child.exitCode === null) {
    const file = join(home, "cluster.json");
    const { processes } = existsSync(file)
      ? JSON.parse(readFileSync(file, "utf8"))
      : { processes: [] };
    for (const { name, pid } of processes) {
      if (pid === null || pinned.has(pid)) continue;
      pin(pid, name.startsWith("inference") ? 0 : 1);
      pinned.add(pid);
    }
    await sleep(100);
  }
}

/** Does the run once; returns the means over its iterations. */
async function measure(k) {
  const home = mkdtempSync(join(tmpdir(), "gumshoe-staleness-"));
  const text = readFileSync(values.config, "utf8");
  const config = resolvePaths(parseRunConfig(text), dirname(resolve(values.config)));
  const file = join(home, "config.json");
  // Validations take the same time with staleness and without; undefined leaves a field out. The model hardly
  // changes, so that its answers have the same lengths in all runs.
  const optimizer = { ...config.optimizer, lr: 1e-12 };
  const changed = { validation: undefined, report: undefined, name: "measured", optimizer };
  writeFileSync(file, JSON.stringify({ ...config, ...changed, staleness: k, iterations }));
  const words = [COMMAND, "run", file, "--home", home, "--json", ...FLEET];
  const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "ignore"] });
  let out = "";
  child.stdout.on("data", (data) => (out += data.toString()));
  const pinning = pinAll(home, child);
  const code = await new Promise((done) => child.on("close", done));
  await pinning;
  if (code !== 0) throw new Error(`the run ended with code ${code}: ${out}`);
  const lines = readFileSync(join(home, "runs/measured/metrics.jsonl"), "utf8").trim().split("\n");
  const kept = lines.map((line) => JSON.parse(line)).slice(SKIPPED, -1);
  const { weightsDigest } = JSON.parse(out);
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  const of = (name) => mean(kept.map((line) => line[name] ?? 0));
  return {
    seconds: of("seconds"),
    sampling: of("taskSeconds") + of("samplingSeconds"),
    learning: of("learningSeconds"),
    ahead: of("aheadSeconds"),
    weightsDigest,
  };
}

const pairs = [];
for (let turn = 1; turn <= turns; turn++) {
  const order = turn % 2 === 1 ? [0, staleness] : [staleness, 0];
  const measured = {};
  for (const k of order) measured[k] = await measure(k);
  const [without, overlapped] = [measured[0], measured[staleness]];
  const limit = without.seconds / Math.max(without.sampling, without.seconds - without.sampling);
  pairs.push({ without, with: overlapped, gain: without.seconds / overlapped.seconds, limit });
  const told = `turn ${turn}: ${without.seconds.toFixed(2)} s an iteration (sampling ${without.sampling.toFixed(2)}, learning ${without.learning.toFixed(2)}); staleness ${staleness}: ${overlapped.seconds.toFixed(2)} s`;
  process.stderr.write(
    `${told}; ${pairs.at(-1).gain.toFixed(2)} x, at best ${limit.toFixed(2)} x\n`,
  );
}
const digests = new Set(pairs.map((pair) => pair.with.weightsDigest));
if (digests.size !== 1) throw new Error("the runs with staleness ended with different weights");
const result = {
  staleness,
  iterations,
  gain: median(pairs.map(({ gain }) => gain)),
  limit: median(pairs.map(({ limit }) => limit)),
  pairs,
};
console.log(
  values.json
    ? JSON.stringify(result, null, 2)
    : `staleness ${staleness}: ${result.gain.toFixed(2)} x as fast (median of ${turns}), at best ${result.limit.toFixed(2)} x; the same weights each time`,
);
