import { parentPort } from "node:worker_threads";

import { toThreadFailure } from "./thread-failure.js";
import type { CallTable, ThreadReply, ThreadRequest } from "./thread-messages.js";

/** Context of a call, passed to its handler beside the argument. */
export interface ThreadContext {
  /** Aborted when the caller no longer needs the response. */
  readonly signal: AbortSignal;
}

/** A handler for each call. */
export type ThreadHandlers<Calls extends CallTable<Calls>> = {
  readonly [C in keyof Calls]: (
    argument: Calls[C]["argument"],
    context: ThreadContext,
  ) => Calls[C]["answer"] | Promise<Calls[C]["answer"]>;
};

/**
 * Serves the calls of {@link ThreadCalls} in this thread. Handlers start in the order of the calls;
 * a thrown error rejects its call.
 *
 * @returns a function that sends a notice to the parent thread
 */
export function serveCalls<Calls extends CallTable<Calls>, Notice = never>(
  handlers: ThreadHandlers<Calls>,
): (notice: Notice) => void {
  const port = parentPort;
  if (port === null) throw new Error("serveCalls is for worker threads");
  const running = new Map<number, AbortController>();
  const post = (reply: ThreadReply) => port.postMessage(reply);

  const answer = async ({ id, call, argument }: Extract<ThreadRequest, { type: "call" }>) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      const handler = handlers[call as keyof Calls];
      const value = await handler(argument, { signal: controller.signal });
      post({ type: "answer", id, answer: value });
    } catch (thrown) {
      post({ type: "failure", id, failure: toThreadFailure(thrown) });
    } finally {
      running.delete(id);
    }
  };
  port.on("message", (request: ThreadRequest) => {
    if (request.type === "call") void answer(request);
    else {
      running.get(request.id)?.abort();
      running.delete(request.id);
    }
  });
  return (notice) => post({ type: "notice", notice });
}
