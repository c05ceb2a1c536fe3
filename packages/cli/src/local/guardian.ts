import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

import { bundledEntry } from "@gumshoe/core";

const MAIN = new URL("../guardian/main.js", import.meta.url);

/**
 * The parent's side of the guardian process, which kills the child processes when this process has
 * ended.
 *
 * If the guardian itself is killed, a new one is started and receives all process groups.
 */
export class Guardian {
  readonly #pids = new Set<number>();
  #process: ChildProcess | null = null;
  #closed = false;

  /** Starts the guardian. */
  start(): void {
    const child = spawn(process.execPath, [fileURLToPath(bundledEntry(MAIN))], {
      // A separate process group, so that Ctrl-C in the terminal does not reach it.
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    child.on("error", () => undefined);
    child.stdin.on("error", () => undefined);
    child.once("exit", () => {
      if (!this.#closed) this.start();
    });
    child.unref();
    this.#process = child;
    for (const pid of this.#pids) this.#send(`+${pid}`);
  }

  /** Adds a child's process group. */
  add(pid: number): void {
    this.#pids.add(pid);
    this.#send(`+${pid}`);
  }

  /** Removes the process group of a child that has ended. */
  remove(pid: number): void {
    this.#pids.delete(pid);
    this.#send(`-${pid}`);
  }

  /** Ends the guardian, which kills the remaining groups. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#process?.stdin?.end();
  }

  #send(line: string): void {
    this.#process?.stdin?.write(`${line}\n`);
  }
}
