import { parentPort } from "node:worker_threads";

import { toThreadFailure } from "./thread-failure.js";
import { type CallTable, type ThreadReply, type ThreadRequest } from "./thread-messages.js";

/** What a handler gets beside its argument. */
export interface ThreadContext {
  /** Aborted when the caller does not want the answer any more. */
  readonly signal: AbortSignal;
  /** Buffers of the answer that are moved to the caller instead of being copied. */
  readonly transfer: ArrayBuffer[];
}

/** A handler for each call. */
export type ThreadHandlers<Calls extends CallTable<Calls>> = {
  readonly [C in keyof Calls]: (
    argument: Calls[C]["argument"],
    context: ThreadContext,
  ) => Calls[C]["answer"] | Promise<Calls[C]["answer"]>;
};

/**
 * Answers the calls that {@link ThreadCalls} makes to this thread. Handlers are started in the order of the
 * calls; what one throws becomes the error of its call.
 *
 * @returns a function that sends a notice to the process' other side
 */
export function serveCalls<Calls extends CallTable<Calls>, Notice = never>(
  handlers: ThreadHandlers<Calls>,
): (notice: Notice) => void {
  const port = parentPort;
  if (port === null) throw new Error("serveCalls is for worker threads");
  const running = new Map<number, AbortController>();
  const post = (reply: ThreadReply, transfer: readonly ArrayBuffer[] = []) =>
    port.postMessage(reply, transfer);

  const answer = async ({ id, call, argument }: Extract<ThreadRequest, { type: "call" }>) => {
    const controller = new AbortController();
    running.set(id, controller);
    const transfer: ArrayBuffer[] = [];
    try {
      const handler = handlers[call as keyof Calls];
      const value = await handler(argument, { signal: controller.signal, transfer });
      post({ type: "answer", id, answer: value }, transfer);
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
