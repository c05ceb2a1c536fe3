import { Worker } from "node:worker_threads";

import { ClusterError, type ErrorCode } from "@gumshoe/core";

import { EngineLostError } from "../errors.js";
import {
  type EngineCall,
  type EngineCalls,
  type EngineFailure,
  type EngineMessage,
  type EngineOptions,
} from "./calls.js";

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The engine as the main thread sees it: calls that return promises. The thread computes; leases,
 * heartbeats and gRPC on the main thread never wait for it.
 */
export class EngineThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #lost: EngineLostError | null = null;
  /** Tokens sampled since the thread began. */
  tokensSampled = 0;

  /** @param onLost  called once when the thread ends by itself: the process cannot go on */
  constructor(options: EngineOptions, onLost: (error: EngineLostError) => void) {
    this.#worker = new Worker(new URL("./thread.js", import.meta.url), { workerData: options });
    this.#worker.on("message", (message: EngineMessage) => this.#take(message));
    this.#worker.on("error", (error) => this.#end(new EngineLostError("failed", error), onLost));
    this.#worker.on("exit", () => this.#end(new EngineLostError("ended"), onLost));
  }

  /** @throws ClusterError of the engine; EngineLostError when the thread is gone */
  call<C extends EngineCall>(
    call: C,
    argument: EngineCalls[C]["argument"],
  ): Promise<EngineCalls[C]["answer"]> {
    if (this.#lost !== null) return Promise.reject(this.#lost);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      this.#worker.postMessage({ id, call, argument });
    });
  }

  /** Ends the thread, in the middle of a kernel if need be. */
  async stop(): Promise<void> {
    this.#lost ??= new EngineLostError("was stopped");
    await this.#worker.terminate();
  }

  #take(message: EngineMessage): void {
    switch (message.type) {
      case "tokens":
        this.tokensSampled = message.tokens;
        return;
      case "answer":
        this.#settle(message.id)?.resolve(message.answer);
        return;
      case "failure":
        this.#settle(message.id)?.reject(toError(message.failure));
        return;
      default:
        message satisfies never;
    }
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #end(error: EngineLostError, onLost: (error: EngineLostError) => void): void {
    if (this.#lost === null) {
      this.#lost = error;
      onLost(error);
    }
    for (const pending of this.#pending.values()) pending.reject(this.#lost);
    this.#pending.clear();
  }
}

function toError(failure: EngineFailure): Error {
  if (failure.code !== null) {
    const details = failure.details;
    return new ClusterError(failure.code as ErrorCode, failure.message, { details });
  }
  const error = new Error(failure.message);
  error.stack = failure.stack;
  return error;
}
