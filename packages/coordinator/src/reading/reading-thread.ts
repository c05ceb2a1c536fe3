import { ThreadCalls } from "@gumshoe/core";

import { ReadingFailedError } from "../errors.js";
import type { ReadingCalls } from "./calls.js";

/**
 * Reads answers for the API on a thread of its own, so that neither the runs nor the writing of their
 * blobs wait for it. The thread starts with the first call; one that failed is started again.
 */
export class ReadingThread {
  #calls: ThreadCalls<ReadingCalls> | null = null;
  #isStopped = false;

  /** @throws ClusterError of the call, or ReadingFailedError */
  async call<C extends keyof ReadingCalls>(
    call: C,
    argument: ReadingCalls[C]["argument"],
    signal?: AbortSignal,
  ): Promise<ReadingCalls[C]["answer"]> {
    if (this.#isStopped) throw new ReadingFailedError("was stopped");
    this.#calls ??= new ThreadCalls<ReadingCalls>(new URL("./thread.js", import.meta.url), {
      toEndError: (problem, cause) => new ReadingFailedError(problem, cause),
      onLost: () => (this.#calls = null),
    });
    return this.#calls.call(call, argument, { signal });
  }

  /** Ends the thread; pending calls fail. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#calls?.stop();
  }
}
