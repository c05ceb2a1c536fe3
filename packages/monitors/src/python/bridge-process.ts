import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

import { z } from "zod";

const BRIDGE = fileURLToPath(new URL("../../python/bridge.py", import.meta.url));
/** Time for an answer, in ms: a client that starts and logs in needs seconds. */
const ANSWER_WITHIN_MS = 50_000;
/** Characters of the process's errors that are kept. */
const MAX_ERRORS = 2000;

const Answer = z.object({ next: z.int().min(0).optional(), error: z.string().optional() });

type Answer = z.infer<typeof Answer>;

/** How the bridge is started. */
export interface BridgeOptions {
  readonly python: string;
  /** Module of the client: `wandb` or `trackio`. */
  readonly client: string;
  /** Folder in which the client keeps its files. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Time for an answer, in ms. */
  readonly answerWithinMs?: number;
}

/** Runs `python/bridge.py`: one order at a time, each with one answer. */
export class BridgeProcess {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answerWithinMs: number;
  #errors = "";
  #end: Error | null = null;
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;

  constructor(options: BridgeOptions) {
    const { python, client, folder, env, answerWithinMs = ANSWER_WITHIN_MS } = options;
    this.#answerWithinMs = answerWithinMs;
    this.#process = spawn(python, ["-u", BRIDGE, client], {
      cwd: folder,
      env,
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own: it outlives the coordinator until it has sent what it holds.
      detached: true,
    });
    const { stdin, stdout, stderr } = this.#process;
    stdin.on("error", () => undefined);
    stderr.on("data", (chunk: Buffer) => {
      this.#errors = (this.#errors + chunk.toString()).slice(-MAX_ERRORS);
    });
    createInterface({ input: stdout }).on("line", (line) => this.#receive(line));
    this.#process.on("error", (error) => this.#over(error.message));
    this.#process.on("exit", (code, signal) =>
      this.#over(`${client} ended with ${signal ?? `exit code ${code}`}: ${this.#lastError()}`),
    );
    for (const part of [this.#process, stdin, stdout, stderr]) {
      (part as { unref?: () => void }).unref?.();
    }
  }

  /** Gives an order. A client that does not answer in time is killed. @throws Error with the client's reason */
  async call(order: Readonly<Record<string, unknown>>): Promise<Answer> {
    if (this.#end !== null) throw this.#end;
    const late = setTimeout(() => {
      this.#over(`no answer for ${this.#answerWithinMs / 1000} s`);
      this.#process.kill("SIGKILL");
    }, this.#answerWithinMs).unref();
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#waiting = { resolve, reject };
        this.#process.stdin.write(`${JSON.stringify(order)}\n`);
      });
    } finally {
      clearTimeout(late);
    }
  }

  /** Ends the process once it has sent what it holds, or after a minute. */
  close(): void {
    this.#process.stdin.end();
  }

  #receive(line: string): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    let answer: Answer;
    try {
      answer = Answer.parse(JSON.parse(line));
    } catch {
      waiting?.reject(new Error(`it answered ${line.slice(0, 100)}`));
      return;
    }
    if (answer.error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(answer.error));
  }

  #over(problem: string): void {
    this.#end ??= new Error(problem);
    this.#waiting?.reject(this.#end);
    this.#waiting = null;
  }

  #lastError(): string {
    return this.#errors.trimEnd().split("\n").at(-1) ?? "";
  }
}
