import { ThreadCalls } from "@gumshoe/core";

import { EngineLostError } from "../errors.js";
import {
  type EngineCall,
  type EngineCalls,
  type EngineOptions,
  type TokensSampled,
} from "./calls.js";

/** How long stopping waits for a native call to end, in ms. */
const STOP_BUDGET_MS = 3000;

/**
 * The engine as the main thread sees it: calls that return promises. The thread computes, so that leases,
 * heartbeats and gRPC on the main thread never wait for it.
 */
export class EngineThread {
  readonly #calls: ThreadCalls<EngineCalls, TokensSampled>;
  /** Tokens sampled since the thread started. */
  tokensSampled = 0;

  /** @param onLost  called once if the thread ends by itself: the process cannot continue */
  constructor(options: EngineOptions, onLost: (error: Error) => void) {
    this.#calls = new ThreadCalls(new URL("./thread.js", import.meta.url), {
      data: options,
      toEndError: (problem, cause) => new EngineLostError(problem, cause),
      onLost,
      onNotice: ({ tokens }) => (this.tokensSampled = tokens),
    });
  }

  /**
   * Calls the engine. When the signal is aborted, the call rejects at once with the signal's reason: a group leaves
   * the sampler's batch at the next step, any other call runs to its end and delays the calls after it.
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
   * Stops the thread. Waits for a running native call up to the budget; after that, the call ends with the process.
   */
  stop(budgetMs = STOP_BUDGET_MS): Promise<void> {
    return this.#calls.stop(budgetMs);
  }
}
