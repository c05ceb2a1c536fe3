import type { ThreadFailure } from "./thread-failure.js";

/** The calls of a thread by name. Arguments and responses are structured clones. */
export type CallTable<Calls> = { [C in keyof Calls]: { argument: unknown; answer: unknown } };

/** To the thread: a call, or the abort of one. */
export type ThreadRequest =
  | {
      readonly type: "call";
      readonly id: number;
      readonly call: string;
      readonly argument: unknown;
    }
  | { readonly type: "abort"; readonly id: number };

/** From the thread: the response of a call, or a notice that belongs to no call. */
export type ThreadReply =
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "failure"; readonly id: number; readonly failure: ThreadFailure }
  | { readonly type: "notice"; readonly notice: unknown };
