import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

import { backoffMs, type Clock } from "@gumshoe/core";

import { ProcessFailedError } from "../errors.js";
import type { Guardian } from "./guardian.js";
import { lastComplaint } from "./log-tail.js";
import { describeEnd, MemoryWatch } from "./process-end.js";

/** Delay before the first restart, in ms; doubles with each further one. */
const RESTART = { firstDelayMs: 200, maxDelayMs: 5000 };
/** Uptime after which a process counts as healthy, in ms: its next exit counts as the first. */
const HEALTHY_AFTER_MS = 20_000;
/** Consecutive exits after which a process is not restarted any more. */
const MAX_DEATHS = 8;
/** Exit code of a process with a wrong config: a restart would not help. */
const WRONG_CONFIG_EXIT_CODE = 2;

/** The process to run. */
export interface ProcessSpec {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Text for stdin; null for none. */
  readonly input: string | null;
  /** File for stdout and stderr. */
  readonly logFile: string;
}

/** Callbacks of a supervised process. */
export interface SupervisorListener {
  /** Called when it was started, or has ended. */
  onChange(): void;
  /** Called when it died as this process and is restarted. */
  onRestart(name: string, reason: string, pid: number | null): void;
  /** Called when it has ended and is not restarted. */
  onFailure(error: ProcessFailedError): void;
}

/**
 * Runs a process in its own process group, and restarts it when it exits.
 *
 * - `stopped`: not started yet, or stopped on request
 * - `running`: the process exists
 * - `waiting`: it exited, and will be restarted after a delay
 * - `failed`:  it exited too often, or with the exit code for a wrong config
 */
export class SupervisedProcess {
  #state: "stopped" | "running" | "waiting" | "failed" = "stopped";
  #child: ChildProcess | null = null;
  #startedAtMs = 0;
  #numDeaths = 0;
  #timer: NodeJS.Timeout | null = null;
  #memory: MemoryWatch | null = null;
  /** How the process before this one ended; null for none. */
  #previousEnd: string | null = null;

  constructor(
    readonly spec: ProcessSpec,
    private readonly owner: { guardian: Guardian; clock: Clock; listener: SupervisorListener },
  ) {}

  get state(): "stopped" | "running" | "waiting" | "failed" {
    return this.#state;
  }

  /** The pid; null while there is no process. */
  get pid(): number | null {
    return this.#state === "running" ? (this.#child?.pid ?? null) : null;
  }

  /** Starts the process. */
  start(): void {
    const { spec, owner } = this;
    const log = this.#openLog();
    const child = spawn(spec.program, spec.args, {
      env: this.#env(),
      // A separate process group: Ctrl-C in the terminal reaches only the parent, and a kill
      // reaches all children.
      detached: true,
      stdio: [spec.input === null ? "ignore" : "pipe", log ?? "ignore", log ?? "ignore"],
    });
    if (log !== null) closeSync(log);
    this.#child = child;
    this.#state = "running";
    this.#startedAtMs = owner.clock.monotonicMs();
    if (child.pid !== undefined) {
      owner.guardian.add(child.pid);
      this.#memory = new MemoryWatch(child.pid);
    }
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(spec.input ?? "");
    child.once("error", (error) => this.#onEnd(child, null, () => error.message));
    child.once("exit", (code, signal) => {
      const memory = this.#memory?.usage() ?? null;
      const complaint = () => lastComplaint(spec.logFile);
      this.#onEnd(child, code, () => describeEnd({ code, signal, memory, complaint }));
    });
    owner.listener.onChange();
  }

  /** Sends SIGTERM, and kills the process when it has not exited within the budget. Idempotent. */
  async stop(budgetMs: number): Promise<void> {
    const child = this.#child;
    const wasRunning = this.#state === "running";
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#state = "stopped";
    if (child === null || !wasRunning || hasEnded(child)) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGTERM");
    const timer = setTimeout(() => killGroup(child), budgetMs);
    await gone;
    clearTimeout(timer);
  }

  /** A restarted process learns how its predecessor ended. */
  #env(): NodeJS.ProcessEnv {
    const { env } = this.spec;
    return this.#previousEnd === null ? env : { ...env, GUMSHOE_PREVIOUS_END: this.#previousEnd };
  }

  /** A restart goes without a log if that cannot be opened: the disk may be full or missing. */
  #openLog(): number | null {
    try {
      return openSync(this.spec.logFile, "a");
    } catch (thrown) {
      if (this.#numDeaths === 0) throw thrown;
      return null;
    }
  }

  #onEnd(child: ChildProcess, code: number | null, describe: () => string): void {
    if (child !== this.#child) return;
    this.#child = null;
    this.#memory?.stop();
    if (child.pid !== undefined) {
      // Kill the group, so that no process that it started outlives it.
      killGroup(child);
      this.owner.guardian.remove(child.pid);
    }
    if (this.#state !== "running") return;
    const { clock, listener } = this.owner;
    const reason = describe();
    this.#previousEnd = reason;
    if (clock.monotonicMs() - this.#startedAtMs >= HEALTHY_AFTER_MS) this.#numDeaths = 0;
    this.#numDeaths++;
    if (code === WRONG_CONFIG_EXIT_CODE || this.#numDeaths > MAX_DEATHS) {
      this.#state = "failed";
      listener.onFailure(this.#failure(reason));
      return;
    }
    this.#state = "waiting";
    this.#timer = setTimeout(() => this.start(), backoffMs(RESTART, this.#numDeaths));
    listener.onChange();
    listener.onRestart(this.spec.name, reason, child.pid ?? null);
  }

  #failure(reason: string): ProcessFailedError {
    const { name, logFile } = this.spec;
    return new ProcessFailedError(name, lastComplaint(logFile) ?? `ended (${reason})`, logFile);
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is empty.
  }
}
