import { Worker } from "node:worker_threads";

import { ClusterError, type ErrorCode } from "@gumshoe/core";

import { EngineLostError } from "../errors.js";
import {
  type EngineCall,
  type EngineCalls,
  type EngineFailure,
  type EngineMessage,
  type EngineOptions,
  type EngineRequest,
} from "./calls.js";

interface Pending {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
}

/** Time for a native call to end when the thread is stopped, in ms. */
const STOP_BUDGET_MS = 3000;

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

  /**
   * Makes a call. When the signal is aborted the call rejects with its reason at once: a group leaves the
   * sampler's batch at the next step, any other call runs to its end, and the ones after it wait.
   *
   * @throws ClusterError of the engine; EngineLostError when the thread is gone; the signal's reason
   */
  async call<C extends EngineCall>(
    call: C,
    argument: EngineCalls[C]["argument"],
    signal?: AbortSignal,
  ): Promise<EngineCalls[C]["answer"]> {
    if (this.#lost !== null) throw this.#lost;
    signal?.throwIfAborted();
    const id = this.#nextId++;
    const abort = (): void => {
      this.#post({ type: "cancel", id });
      this.#settle(id)?.reject(signal?.reason);
    };
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject });
        this.#post({ type: "call", id, call, argument });
      });
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Ends the thread. A native call that is running ends first; after the budget it is left to the end
   * of the process.
   */
  async stop(budgetMs = STOP_BUDGET_MS): Promise<void> {
    this.#lost ??= new EngineLostError("was stopped");
    let timer: NodeJS.Timeout | null = null;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, budgetMs);
    });
    await Promise.race([this.#worker.terminate(), late]);
    if (timer !== null) clearTimeout(timer);
    this.#end(this.#lost, () => undefined);
  }

  #post(request: EngineRequest): void {
    this.#worker.postMessage(request);
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
