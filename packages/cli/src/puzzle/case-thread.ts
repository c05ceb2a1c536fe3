import { Worker } from "node:worker_threads";

import { ClusterError, type ErrorCode } from "@gumshoe/core";

import { type CaseSeries } from "./case-series.js";

/** What the thread says to a chunk that was asked for. */
export type ChunkAnswer =
  | { readonly type: "made"; readonly texts: string[] }
  | {
      readonly type: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly details: Record<string, unknown>;
    };

interface Waiting {
  readonly resolve: (texts: string[]) => void;
  readonly reject: (error: Error) => void;
}

/** A thread that makes the chunks of a series, in the order in which they are asked for. */
export class CaseThread {
  readonly #worker: Worker;
  readonly #waiting: Waiting[] = [];
  #ended: Error | null = null;

  constructor(series: CaseSeries) {
    this.#worker = new Worker(new URL("./thread.js", import.meta.url), { workerData: series });
    this.#worker.on("message", (answer: ChunkAnswer) => this.#take(answer));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the thread that makes cases has ended")));
  }

  /** Makes a chunk: records as JSON texts. */
  make(chunk: number): Promise<string[]> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(chunk);
    });
  }

  /** Ends the thread, in the middle of a case if need be. */
  async stop(): Promise<void> {
    await this.#worker.terminate();
  }

  #take(answer: ChunkAnswer): void {
    const waiting = this.#waiting.shift();
    if (answer.type === "made") waiting?.resolve(answer.texts);
    else
      waiting?.reject(new ClusterError(answer.code, answer.message, { details: answer.details }));
  }

  #fail(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
