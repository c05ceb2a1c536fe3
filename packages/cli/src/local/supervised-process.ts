import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";

import { type Clock } from "@gumshoe/core";

import { ProcessFailedError } from "../errors.js";
import { type Guardian } from "./guardian.js";
import { lastComplaint } from "./log-tail.js";
import { describeEnd, MemoryWatch } from "./process-end.js";

/** Wait before the first restart; doubles with every further one. */
const FIRST_RESTART_DELAY_MS = 200;
const MAX_RESTART_DELAY_MS = 5000;
/** A process that lived for this long is healthy: its next death counts as the first. */
const HEALTHY_AFTER_MS = 20_000;
/** Deaths in a row after which a process is given up. */
const MAX_DEATHS = 8;
/** Exit code of a process that was told something wrong: a restart would not help. */
const WRONG_CONFIG_EXIT_CODE = 2;

/** What is to be run. */
export interface ProcessSpec {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Text for its stdin; null for none. */
  readonly input: string | null;
  /** File that its stdout and stderr go to. */
  readonly logFile: string;
}

/** What a supervised process tells its owner. */
export interface SupervisorListener {
  /** It was started, or has ended. */
  onChange(): void;
  /** It died as this process, and will be started again. */
  onRestart(name: string, reason: string, pid: number | null): void;
  /** It has ended for good. */
  onFailure(error: ProcessFailedError): void;
}

/**
 * Runs a process in a group of its own, and starts it again when it dies.
 *
 * - `stopped`: not started yet, or stopped on request
 * - `running`: there is a process
 * - `waiting`: it died, and will be started again in a moment
 * - `failed`:  it died too often, or says that it was told something wrong
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

  /** Process number; null while there is none. */
  get pid(): number | null {
    return this.#state === "running" ? (this.#child?.pid ?? null) : null;
  }

  /** Starts the process. */
  start(): void {
    const { spec, owner } = this;
    const log = this.#openLog();
    const child = spawn(spec.program, spec.args, {
      env: this.#env(),
      // A group of its own: Ctrl-C in the terminal reaches only us, and a kill reaches its children.
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

  /** Asks the process to end, and ends it when it has not within the budget. Idempotent. */
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

  /** A process that is started again is told how the one before it ended. */
  #env(): NodeJS.ProcessEnv {
    const { env } = this.spec;
    return this.#previousEnd === null ? env : { ...env, GUMSHOE_PREVIOUS_END: this.#previousEnd };
  }

  /** A process that died is started again without a log where that cannot be written: the disk may be away. */
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
      // Whatever it started must not outlive it.
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
    const delayMs = FIRST_RESTART_DELAY_MS * 2 ** (this.#numDeaths - 1);
    this.#timer = setTimeout(() => this.start(), Math.min(MAX_RESTART_DELAY_MS, delayMs));
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
    // Nobody is left in the group.
  }
}
