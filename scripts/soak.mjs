/**
 * `npm run soak -- --minutes 30`: executes runs while processes are killed, hang and stop, Redis
 * pauses, the disk fills up, runs are cancelled and modules misbehave. Every run must end with the
 * weights of an undisturbed one. With --standing one cluster executes all runs, and its
 * coordinator's memory and descriptors must not grow.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { stderr } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, SetUpError } from "./setup/step.mjs";
import { call, Command } from "./soak/command.mjs";
import { Home, usageOf } from "./soak/home.mjs";
import { POISONS, writePoison } from "./soak/poison.mjs";
import { Random } from "./soak/random.mjs";
import { SoakError, TROUBLES } from "./soak/troubles.mjs";

const HELP = `Usage: npm run soak -- [options]

Run a config again and again under random troubles; compare the weights.

Options:
  --minutes <n>   how long (default: 10)
  --seed <n>      what happens to what, in which order (default: the time)
  --config <f>    run config (default: test/cluster/tiny.yaml)
  --troubles <n>  most troubles in one run (default: 8)
  --standing      one cluster for all runs; watches the coordinator's memory and descriptors
  --help          show this

Troubles: ${TROUBLES.map(({ name }) => name).join(", ")}; with --standing also
modules that misbehave: ${POISONS.join(", ")}.
A full disk needs root: the home is then a small disk of its own.`;

/** Time limit of a run after its last fault, in ms: ten minutes, since other programs may have the cores. */
const DEADLINE_MS = 600_000;
const MOST_PAUSE_MS = 2_500;
/** Time for the guardian to kill the processes of a killed command, in ms. */
const GUARDIAN_MS = 500;
const MODEL = join(ROOT, "models/rookie");
/** Largest increase of the coordinator's descriptors and memory between two idle moments. */
const MOST_MORE_DESCRIPTORS = 8;
const MOST_MORE_BYTES = 100 * 2 ** 20;

/**
 * Executes one run with up to `troubles` faults; returns its JSON document, or its error output.
 */
async function disturb({ random, troubles, start, ...context }) {
  const { home, run } = context;
  const happened = [];
  let command = start();
  const ended = () => !command.isRunning;
  for (let left = random.below(troubles + 1); left > 0; left--) {
    await Promise.race([command.ended, sleep(200 + random.next() * MOST_PAUSE_MS)]);
    if (ended()) break;
    const trouble = random.pick(context.troublesThere);
    const did = await trouble.act({ ...context, random, command });
    if (did === null) continue;
    happened.push(did);
    if (trouble.ends === true || (ended() && isRefused(command, home, run))) {
      await command.ended;
      await sleep(GUARDIAN_MS);
      command = start();
    }
  }
  const late = sleep(DEADLINE_MS, null, { ref: false });
  let result = await Promise.race([command.ended, late]);
  if (result !== null && isRefused(command, home, run)) {
    await sleep(GUARDIAN_MS);
    command = start();
    result = await Promise.race([command.ended, late]);
  }
  if (result === null) command.child.kill("SIGKILL");
  const { code, output, messages } = result ?? { code: "late", ...(await command.ended) };
  const value = code === 0 ? JSON.parse(output) : null;
  return { happened, value, messages: `exit code ${code}\n${messages}` };
}

/** Returns whether a command ended because the disk was full before its run existed. */
function isRefused(command, home, run) {
  return !home.hasRun(run) && command.messages.includes(" is full");
}

/** A new cluster for each run: `gumshoe run`. */
class SingleRuns {
  constructor(options) {
    Object.assign(this, options);
  }

  async start() {}

  async stop() {}

  async turn(troubles) {
    const { random, config, otherConfig, run } = this;
    const home = new Home();
    const fleet = ["inference", "trainers", "reducers"].flatMap((role) => [
      `--${role}`,
      String(1 + random.below(role === "inference" ? 3 : 2)),
    ]);
    const args = ["run", config, "--name", run, "--home", home.folder, "--threads", "1", "--json"];
    const outcome = await disturb({
      random,
      troubles,
      start: () => new Command([...args, ...fleet]),
      home,
      run,
      config,
      otherConfig,
      troublesThere: TROUBLES,
      isMortal: () => true,
    });
    return { ...outcome, home, happened: [fleet.join(" "), ...outcome.happened] };
  }

  release({ home }) {
    home.remove();
  }
}

/** One running cluster for all runs: `gumshoe up`, then submits. */
class StandingCluster {
  #up = null;
  #turns = 0;
  #usage = [];

  constructor(options) {
    Object.assign(this, options);
    this.home = new Home();
  }

  async start() {
    const fleet = ["--inference", "2", "--trainers", "1", "--reducers", "2", "--threads", "1"];
    const where = ["--home", this.home.folder, "--port", String(20_000 + this.random.below(9999))];
    this.#up = new Command([
      "up",
      ...where,
      ...fleet,
      "--json",
      "--data",
      ROOT,
      "--data",
      this.folder,
    ]);
    while (this.#up.output === "" && this.#up.isRunning) await sleep(50);
    if (!this.#up.isRunning) throw new SetUpError(this.#up.messages);
  }

  async stop(isFailed) {
    this.#up.child.kill("SIGINT");
    await this.#up.ended;
    if (isFailed) stderr.write(`its home is kept: ${this.home.folder}\n`);
    else this.home.remove();
  }

  /** Every other run is undisturbed, and follows a run with a misbehaving module. */
  async turn(troubles) {
    const { random, home, config, otherConfig } = this;
    const run = `soak-${++this.#turns}`;
    const isQuiet = this.#turns % 2 === 1;
    const happened = [];
    if (isQuiet && this.#turns > 1) happened.push(await this.#poison());
    const args = ["submit", config, "--name", run, "--home", home.folder, "--watch", "--json"];
    const outcome = await disturb({
      random,
      troubles: isQuiet ? 0 : troubles,
      start: () => new Command(args),
      home,
      run,
      config,
      otherConfig,
      troublesThere: TROUBLES.filter(({ name }) => !name.endsWith("command")),
      isMortal: (name) => name !== "coordinator",
    });
    if (isQuiet) happened.push(this.#measure());
    const forgotten = await call(["forget", run, "--yes", "--home", home.folder]);
    if (forgotten.code !== 0) {
      const ended = `its command ended with ${outcome.messages}`;
      throw new SoakError(`${outcome.happened.join("; ")}\nforget: ${forgotten.messages}${ended}`);
    }
    return { ...outcome, home, happened: [...happened, ...outcome.happened] };
  }

  async #poison() {
    const { name } = this.random.pick(POISONS.map((poison) => ({ name: poison })));
    const file = writePoison(join(this.folder, "poison"), name, MODEL);
    const where = ["--home", this.home.folder];
    const { code, messages } = await call(["submit", file, "--watch", ...where], DEADLINE_MS);
    if (code !== 1 && code !== 2) throw new SoakError(`${name} ended with ${code}: ${messages}`);
    await call(["forget", name, "--yes", ...where]);
    return `module ${name}`;
  }

  #measure() {
    const coordinator = this.home.processes().find(({ name }) => name === "coordinator");
    const usage = coordinator === undefined ? null : usageOf(coordinator.pid);
    if (usage === null) return "coordinator not measured";
    this.#usage.push({ ...usage, pid: coordinator.pid });
    const { bytes, descriptors } = usage;
    // Compare with the second measurement: the first runs fill permanent caches.
    const first = this.#usage[1];
    if (first !== undefined && first.pid !== coordinator.pid) {
      throw new SoakError("the coordinator is another process than before");
    }
    if (first !== undefined && descriptors > first.descriptors + MOST_MORE_DESCRIPTORS) {
      throw new SoakError(`${descriptors} descriptors, ${first.descriptors} before`);
    }
    if (first !== undefined && bytes > first.bytes + MOST_MORE_BYTES) {
      throw new SoakError(`${bytes} bytes of memory, ${first.bytes} before`);
    }
    return `coordinator: ${(bytes / 2 ** 20).toFixed(0)} MiB, ${descriptors} descriptors`;
  }

  release() {}
}

/** Writes the config with another seed, which must be rejected for an existing name. */
function writeOtherConfig(config, folder) {
  const file = join(folder, "other.yaml");
  const text = readFileSync(config, "utf8")
    .replace(/^seed: .*$/m, "seed: 123456")
    .replace(/^model: (\S+)$/m, (_, path) => `model: ${resolve(dirname(config), path)}`);
  writeFileSync(file, text);
  return file;
}

async function soak({ minutes, troubles, runs, expected }) {
  const until = Date.now() + minutes * 60_000;
  let done = 0;
  let count = 0;
  while (Date.now() < until) {
    const startedAt = Date.now();
    const turn = await runs.turn(troubles);
    const { happened, value, messages } = turn;
    done++;
    count += happened.length;
    const same = value?.weightsDigest === expected && value.logprobGapMax === 0;
    const seconds = ((Date.now() - startedAt) / 1000).toFixed(0);
    stderr.write(
      `${done}: ${same ? "same weights" : "FAILED"}, ${seconds} s: ${happened.join("; ")}\n`,
    );
    if (!same) {
      stderr.write(
        `${messages}\n${JSON.stringify(value)}\nits home is kept: ${turn.home.folder}\n`,
      );
      return 1;
    }
    runs.release(turn);
  }
  stderr.write(`${done} runs, ${count} troubles and notes, the same weights every time\n`);
  return 0;
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      config: { type: "string", default: join(ROOT, "test/cluster/tiny.yaml") },
      troubles: { type: "string", default: "8" },
      standing: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  for (const name of ["minutes", "seed", "troubles"]) {
    const number = Number(values[name]);
    if (Number.isFinite(number) && number > 0) continue;
    throw new SetUpError(`--${name}: ${values[name]} is not a number above 0`);
  }
  if (!existsSync(values.config)) throw new SetUpError(`--config: there is no ${values.config}`);
  return { ...values, minutes: Number(values.minutes), troubles: Number(values.troubles) };
}

await main(async () => {
  const { help, minutes, seed, config, troubles, standing } = readOptions();
  if (help) {
    console.log(HELP);
    return 0;
  }
  await setUp({ redis: true });
  stderr.write(`seed ${seed}\n`);
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-soak-config-"));
  const random = new Random(Number(seed));
  const otherConfig = writeOtherConfig(config, folder);
  const options = { random, config, otherConfig, folder, run: "soak" };
  const single = new SingleRuns(options);
  const undisturbed = await single.turn(0);
  if (undisturbed.value === null) throw new SetUpError(undisturbed.messages);
  single.release(undisturbed);
  const expected = undisturbed.value.weightsDigest;
  stderr.write(`undisturbed: ${expected}\n`);
  const runs = standing ? new StandingCluster(options) : single;
  await runs.start();
  let code = 1;
  try {
    code = await soak({ minutes, troubles, runs, expected });
    return code;
  } catch (error) {
    if (!(error instanceof SoakError)) throw error;
    stderr.write(`FAILED: ${error.message}\n`);
    return code;
  } finally {
    await runs.stop(code !== 0);
    rmSync(folder, { recursive: true, force: true });
  }
});
