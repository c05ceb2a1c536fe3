import { ThreadCalls } from "@gumshoe/core";

import { EngineLostError } from "../errors.js";
import {
  type EngineCall,
  type EngineCalls,
  type EngineOptions,
  type TokensSampled,
} from "./calls.js";

/** Time for a native call to end when the thread is stopped, in ms. */
const STOP_BUDGET_MS = 3000;

/**
 * The engine as the main thread sees it: calls that return promises. The thread computes; leases,
 * heartbeats and gRPC on the main thread never wait for it.
 */
export class EngineThread {
  readonly #calls: ThreadCalls<EngineCalls, TokensSampled>;
  /** Tokens sampled since the thread began. */
  tokensSampled = 0;

  /** @param onLost  called once when the thread ends by itself: the process cannot go on */
  constructor(options: EngineOptions, onLost: (error: Error) => void) {
    this.#calls = new ThreadCalls(new URL("./thread.js", import.meta.url), {
      data: options,
      toEndError: (problem, cause) => new EngineLostError(problem, cause),
      onLost,
      onNotice: ({ tokens }) => (this.tokensSampled = tokens),
    });
  }

  /**
   * Makes a call. When the signal is aborted the call rejects with its reason at once: a group leaves the
   * sampler's batch at the next step, any other call runs to its end, and the ones after it wait.
   *
   * @throws ClusterError of the engine; EngineLostError when the thread is gone; the signal's reason
   */
  call<C extends EngineCall>(
    call: C,
    argument: EngineCalls[C]["argument"],
    signal?: AbortSignal,
  ): Promise<EngineCalls[C]["answer"]> {
    return this.#calls.call(call, argument, { signal });
  }

  /**
   * Ends the thread. A native call that is running ends first; after the budget it is left to the end
   * of the process.
   */
  stop(budgetMs = STOP_BUDGET_MS): Promise<void> {
    return this.#calls.stop(budgetMs);
  }
}
