import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { GumshoeClient } from "@gumshoe/client";
import { RunResult } from "@gumshoe/config";
import { type WorkerStatus } from "@gumshoe/protocol";

/** The repository's root folder. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMMAND = join(ROOT, "packages/cli/bin/gumshoe.js");

/** What a finished command left. */
export interface Finished {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The built `gumshoe` command in a process of its own, with a home of its own. */
export class Gumshoe {
  readonly #started: ChildProcess[] = [];

  private constructor(readonly home: string) {}

  /** Makes a home in the system's temporary folder. */
  static async create(): Promise<Gumshoe> {
    return new Gumshoe(await mkdtemp(join(tmpdir(), "gumshoe-test-")));
  }

  /** Takes a folder for its home, which {@link close} removes. */
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

  /** Does a run to its end and returns what it came to; throws what it said when it failed. */
  async run(words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<RunResult> {
    return this.start(["run", ...words, "--json"], env).result();
  }

  /** Ends what still runs, and removes the home. */
  async close(): Promise<void> {
    for (const child of this.#started) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    // The guardian needs a moment to end what a killed command left.
    await rm(this.home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** A command that runs. */
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

  /** What it wrote to stdout so far. */
  get out(): string {
    return this.#out;
  }

  /** What it wrote to stderr so far. */
  get err(): string {
    return this.#err;
  }

  /** Waits for the end of a run, and reads its JSON document. */
  async result(): Promise<RunResult> {
    const { code, out, err } = await this.ended;
    if (code !== 0) throw new Error(`ended with code ${code}:\n${err}\n${this.#logs()}`);
    return RunResult.parse(JSON.parse(out));
  }

  /** Waits until the run's ledger holds so many events of a type. */
  async untilEvents(run: string, type: string, count: number): Promise<void> {
    const ledger = join(this.home, "runs", run, "ledger/events.jsonl");
    await this.until(`${count} ${type} in ${ledger}`, () => {
      const text = existsSync(ledger) ? readFileSync(ledger, "utf8") : "";
      return text.split(`"type":"${type}"`).length - 1 >= count;
    });
  }

  /** Waits until something is so, while the command runs. */
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

  /** Returns the number of one of the cluster's processes; throws when it has none now. */
  pid(name: string): number {
    const text = readFileSync(join(this.home, "cluster.json"), "utf8");
    const cluster = JSON.parse(text) as { processes: { name: string; pid: number | null }[] };
    const pid = cluster.processes.find((process) => process.name === name)?.pid;
    if (pid === null || pid === undefined) throw new Error(`there is no process ${name}: ${text}`);
    return pid;
  }

  /** Asks the coordinator for the workers, and what they told of themselves last. */
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

  /** Waits until a worker of a role has a job in hand whose key begins so. */
  async untilBusy(role: string, key: string): Promise<void> {
    const giveUpAt = Date.now() + 60_000;
    for (;;) {
      const fleet = await this.fleet();
      if (fleet.some((worker) => worker.role === role && worker.job.startsWith(key))) return;
      if (Date.now() > giveUpAt) throw new Error(`waited too long for ${role} with ${key}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Does what `kill -9` does to one of the cluster's processes. */
  kill(name: string): void {
    process.kill(this.pid(name), "SIGKILL");
  }

  /** The last lines of every process' log, for the message of a test that fails. */
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
