/**
 * `npm run soak -- --minutes 30`: runs again and again while processes die, hang and leave at random
 * moments, Redis and the command itself included. Every run must end with the digest of an undisturbed
 * one.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env, execPath, kill, stderr } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, SetUpError } from "./setup/step.mjs";

const HELP = `Usage: npm run soak -- [options]

Run a config again and again under random deaths, hangs and departures; compare the weights.

Options:
  --minutes <n>   how long (default: 10)
  --seed <n>      what happens to whom, in which order (default: the time)
  --config <f>    run config (default: test/cluster/tiny.yaml)
  --troubles <n>  most troubles in one run (default: 8)
  --help          show this`;

const COMMAND = join(ROOT, "packages/cli/bin/gumshoe.js");
/** How long a run may take after its last trouble. */
const DEADLINE_MS = 180_000;
const MOST_HANG_MS = 15_000;
const MOST_PAUSE_MS = 2_500;

/** What may happen, and how often beside the others. */
const TROUBLES = [
  { name: "kill", weight: 6 },
  { name: "hang", weight: 2 },
  { name: "leave", weight: 2 },
  { name: "kill-command", weight: 1 },
  { name: "interrupt-command", weight: 1 },
];

/** A small generator of numbers in [0, 1) from a seed: mulberry32. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function exists(pid) {
  try {
    return kill(pid, 0);
  } catch {
    return false;
  }
}

class Soak {
  #told = "";

  constructor(config, random) {
    this.config = config;
    this.random = random;
  }

  below(n) {
    return Math.floor(this.random() * n);
  }

  pick(list) {
    const total = list.reduce((sum, { weight = 1 }) => sum + weight, 0);
    let at = this.random() * total;
    return list.find(({ weight = 1 }) => (at -= weight) < 0) ?? list.at(-1);
  }

  /** Starts the command; `result` resolves with its document, or null when it was ended. */
  start(home, words) {
    const args = [
      COMMAND,
      "run",
      this.config,
      "--home",
      home,
      "--threads",
      "1",
      "--json",
      ...words,
    ];
    const child = spawn(execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], env });
    let out = "";
    this.#told = "";
    child.stdout.on("data", (data) => (out += data));
    child.stderr.on("data", (data) => (this.#told += data));
    const result = once(child, "close").then(() => (child.exitCode === 0 ? JSON.parse(out) : null));
    return { child, result };
  }

  /** The processes of a home's cluster that live; waits for the first while it starts. */
  async processesThatLive(home, child) {
    while (child.exitCode === null) {
      try {
        const { processes } = JSON.parse(readFileSync(join(home, "cluster.json"), "utf8"));
        const alive = processes.filter(({ pid }) => pid !== null && exists(pid));
        if (alive.length > 0) return alive;
      } catch {
        // Not written yet.
      }
      await sleep(50);
    }
    return [];
  }

  /** Does one run under up to `troubles` troubles; returns its document and what happened. */
  async run(troubles) {
    const home = mkdtempSync(join(tmpdir(), "gumshoe-soak-"));
    const size = {
      inference: 1 + this.below(3),
      trainers: 1 + this.below(2),
      reducers: 1 + this.below(2),
    };
    const words = Object.entries(size).flatMap(([role, count]) => [`--${role}`, String(count)]);
    const happened = [words.join(" ")];
    let running = this.start(home, words);
    for (let left = this.below(troubles + 1); left > 0; left--) {
      await Promise.race([running.result, sleep(200 + this.random() * MOST_PAUSE_MS)]);
      if (running.child.exitCode !== null) break;
      const what = this.pick(TROUBLES).name;
      const told = await this.trouble(what, home, running);
      if (told !== null) happened.push(told);
      if (what.endsWith("command")) {
        await running.result;
        // The guardian needs a moment to end what a killed command left.
        await sleep(500);
        running = this.start(home, words);
      }
    }
    const late = sleep(DEADLINE_MS, "late", { ref: false });
    const result = await Promise.race([running.result, late]);
    if (result === "late") running.child.kill("SIGKILL");
    const told = result === null || result === "late" ? `${result ?? "failed"}\n${this.#told}` : "";
    return { home, happened, result, told };
  }

  async trouble(what, home, { child }) {
    if (what === "kill-command") {
      child.kill("SIGKILL");
      return what;
    }
    if (what === "interrupt-command") {
      child.kill("SIGINT");
      return what;
    }
    const all = await this.processesThatLive(home, child);
    const workers = all.filter(({ name }) => /^(inference|trainer|reducer)/.test(name));
    const among = what === "leave" ? workers : all;
    if (among.length === 0) return null;
    const { name, pid } = this.pick(among);
    try {
      if (what === "kill") kill(pid, "SIGKILL");
      if (what === "leave") kill(pid, "SIGTERM");
      if (what === "hang") {
        kill(pid, "SIGSTOP");
        const hangMs = Math.floor(this.random() * MOST_HANG_MS);
        setTimeout(() => {
          try {
            kill(pid, "SIGCONT");
          } catch {
            // It has been taken for dead meanwhile.
          }
        }, hangMs).unref();
        return `hang ${name} for ${hangMs} ms`;
      }
    } catch {
      return `${what} ${name}, which had just gone`;
    }
    return `${what} ${name}`;
  }
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      config: { type: "string", default: join(ROOT, "test/cluster/tiny.yaml") },
      troubles: { type: "string", default: "8" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [minutes, seed, troubles] = ["minutes", "seed", "troubles"].map((name) => {
    const number = Number(values[name]);
    if (Number.isFinite(number) && number > 0) return number;
    throw new SetUpError(`--${name}: ${values[name]} is not a number above 0`);
  });
  if (!existsSync(values.config)) throw new SetUpError(`--config: there is no ${values.config}`);
  await setUp({ redis: true });
  const until = Date.now() + minutes * 60_000;
  const soak = new Soak(values.config, generator(seed));
  stderr.write(`seed ${seed}\n`);
  const { home: first, result: expected, told } = await soak.run(0);
  if (expected === null || expected === "late") throw new SetUpError(told);
  rmSync(first, { recursive: true, force: true });
  stderr.write(`undisturbed: ${expected.weightsDigest}\n`);
  let runs = 0;
  let count = 0;
  while (Date.now() < until) {
    const startedAt = Date.now();
    const { home, happened, result, told } = await soak.run(troubles);
    runs++;
    count += happened.length - 1;
    const same = result?.weightsDigest === expected.weightsDigest && result.logprobGapMax === 0;
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
    stderr.write(
      `${runs}: ${same ? "same weights" : "FAILED"}, ${seconds} s: ${happened.join("; ")}\n`,
    );
    if (!same) {
      stderr.write(`${told}\n${JSON.stringify(result)}\nits home is kept: ${home}\n`);
      return 1;
    }
    rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
  stderr.write(`${runs} runs, ${count} troubles, the same weights every time\n`);
  return 0;
});
