import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { GumshoeClient } from "@gumshoe/client";
import { RunResult } from "@gumshoe/config";
import type { WorkerStatus } from "@gumshoe/protocol";

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const COMMAND = join(ROOT, "packages/cli/bin/gumshoe.js");

/** The result of a finished command. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built `gumshoe` command in a separate process, with a home of its own. */
export class Gumshoe {
  readonly #started: ChildProcess[] = [];

  private constructor(readonly home: string) {}

  /** Creates a home in the system's temporary folder. */
  static async create(): Promise<Gumshoe> {
    return new Gumshoe(await mkdtemp(join(tmpdir(), "gumshoe-test-")));
  }

  /** Uses a folder as the home, which {@link close} removes. */
  static in(home: string): Gumshoe {
    return new Gumshoe(home);
  }

  /** Starts a command; `ended` resolves when it has ended. */
  start(words: readonly string[], env: NodeJS.ProcessEnv = {}): Running {
    const child = spawn(process.execPath, [COMMAND, ...words, "--home", this.home], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#started.push(child);
    return new Running(child, this.home);
  }

  /**
   * Executes a run to its end and returns its result. @throws the command's output when it failed
   */
  async run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunResult> {
    return this.start(["run", ...words, "--json"], env).result();
  }

  /** Plans the memory of a run. @throws the command's output when it failed */
  async plan(words: readonly string[]): Promise<{ totalBytes: number }> {
    const child = spawn(process.execPath, [COMMAND, "plan", ...words, "--json"], { cwd: ROOT });
    let out = "";
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    await once(child, "close");
    if (child.exitCode !== 0) throw new Error(`plan ended with code ${child.exitCode}: ${out}`);
    return JSON.parse(out) as { totalBytes: number };
  }

  /** Ends running commands, and removes the home. */
  async close(): Promise<void> {
    for (const child of this.#started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    // The guardian needs time to kill the processes of a killed command.
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** A running command. */
export class Running {
  readonly ended: Promise<Finished>;
  #out = "";
  #err = "";

  constructor(
    readonly child: ChildProcess,
    private readonly home: string,
  ) {
    child.stdout?.on("data", (data: Buffer) => (this.#out += data.toString()));
    child.stderr?.on("data", (data: Buffer) => (this.#err += data.toString()));
    this.ended = once(child, "close").then(() => ({
      code: child.exitCode,
      out: this.#out,
      err: this.#err,
    }));
  }

  /** Its stdout so far. */
  get out(): string {
    return this.#out;
  }

  /** Its stderr so far. */
  get err(): string {
    return this.#err;
  }

  /** Waits for the end of a run, and reads its JSON document. */
  async result(): Promise<RunResult> {
    const { code, out, err } = await this.ended;
    if (code !== 0) throw new Error(`ended with code ${code}:\n${err}\n${this.#logs()}`);
    return RunResult.parse(JSON.parse(out));
  }

  /** Waits until the run's ledger holds a number of events of a type. */
  async untilEvents(run: string, type: string, count: number): Promise<void> {
    const ledger = join(this.home, "runs", run, "ledger/events.jsonl");
    await this.until(`${count} ${type} in ${ledger}`, () => {
      const text = existsSync(ledger) ? readFileSync(ledger, "utf8") : "";
      return text.split(`"type":"${type}"`).length - 1 >= count;
    });
  }

  /** Waits until a condition holds, while the command runs. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const giveUpAt = Date.now() + 60_000;
    while (!isSo()) {
      if (this.child.exitCode !== null) {
        throw new Error(`ended before ${what}:\n${this.#err}\n${this.#logs()}`);
      }
      if (Date.now() > giveUpAt) {
        throw new Error(`waited too long for ${what}:\n${this.#err}\n${this.#logs()}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Returns the pid of one of the cluster's processes; throws when there is none at the moment. */
  pid(name: string): number {
    const text = readFileSync(join(this.home, "cluster.json"), "utf8");
    const cluster = JSON.parse(text) as { processes: { name: string; pid: number | null }[] };
    const pid = cluster.processes.find((process) => process.name === name)?.pid;
    if (pid === null || pid === undefined) throw new Error(`there is no process ${name}: ${text}`);
    return pid;
  }

  /** Fetches the workers with their last reported status. */
  async fleet(): Promise<WorkerStatus[]> {
    const text = readFileSync(join(this.home, "coordinator.json"), "utf8");
    const { address } = JSON.parse(text) as { address: string };
    const token = readFileSync(join(this.home, "token"), "utf8").trim();
    const client = new GumshoeClient({ address, token });
    try {
      return await client.fleet();
    } finally {
      client.close();
    }
  }

  /** Waits until a worker of a role works on a job whose key has a prefix. */
  async untilBusy(role: string, key: string): Promise<void> {
    const giveUpAt = Date.now() + 60_000;
    for (;;) {
      const fleet = await this.fleet();
      if (fleet.some((worker) => worker.role === role && worker.job.startsWith(key))) return;
      if (Date.now() > giveUpAt) throw new Error(`waited too long for ${role} with ${key}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Kills one of the cluster's processes by SIGKILL. */
  kill(name: string): void {
    process.kill(this.pid(name), "SIGKILL");
  }

  /** Returns the log of one of the cluster's processes so far. */
  log(name: string): string {
    const file = join(this.home, "logs", `${name}.log`);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** Returns the last lines of every process's log, for the message of a failing test. */
  #logs(): string {
    const folder = join(this.home, "logs");
    if (!existsSync(folder)) return "";
    return readdirSync(folder)
      .filter((name) => name.endsWith(".log"))
      .map((name) => {
        const lines = readFileSync(join(folder, name), "utf8").trimEnd().split("\n");
        return [`--- ${name}`, ...lines.slice(-8)].join("\n");
      })
      .join("\n");
  }
}

/** The homes of a test file, which are closed together. */
export class GumshoeHomes {
  readonly opened: Gumshoe[] = [];

  async open(): Promise<Gumshoe> {
    const gumshoe = await Gumshoe.create();
    this.opened.push(gumshoe);
    return gumshoe;
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((gumshoe) => gumshoe.close()));
  }
}

/** Waits up to five seconds for processes to end; returns those that have not. */
export async function stillAlive(pids: readonly number[]): Promise<number[]> {
  const isAlive = (pid: number) => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 100 && pids.some(isAlive); i++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return pids.filter(isAlive);
}
