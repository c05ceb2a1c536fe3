/**
 * Messages between a process and the child process of a module. All values are structured clones.
 */

import type { ReplyTurn } from "../user-environment.js";

/** Limits of a module's process. */
export interface ModuleLimits {
  /** Time limit for each further result of a call, in seconds. */
  readonly seconds: number;
  /** JavaScript heap of its process, in MiB. */
  readonly memoryMb: number;
}

/** What a module is used as: tasks with their grades, or grades of tasks from elsewhere. */
export type ModulePart = "environment" | "grader";

/** The first message to a module's process. */
export interface ModuleStart {
  /** `file:` URL of the module. */
  readonly url: string;
  readonly part: ModulePart;
  readonly options: unknown;
}

/** The random key of a task: both processes create the same generator from it. */
export type RandomKey = readonly [number, ...number[]];

/** A call to the module. */
export type ModuleRequest =
  | { readonly call: "task"; readonly index: number; readonly key: RandomKey }
  | { readonly call: "grade"; readonly task: unknown; readonly replies: readonly string[] }
  /** Has one result: the list of all grades. */
  | { readonly call: "gradeGroup"; readonly task: unknown; readonly replies: readonly string[] }
  | {
      readonly call: "step";
      readonly task: unknown;
      readonly reply: string;
      readonly turn: ReplyTurn;
    }
  | {
      readonly call: "goldReply";
      readonly task: unknown;
      readonly turn: Pick<ReplyTurn, "turn" | "state">;
    };

/** The result of a call; `text` holds the message of an error that the module threw. */
export type Outcome =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly text: string };

/** Messages from the module's process. */
export type ModuleMessage =
  /** The module was loaded; `problem` is why it cannot be used, null if it can. */
  | {
      readonly type: "opened";
      readonly problem: string | null;
      readonly hasGoldReply: boolean;
      /** Whether it implements `gradeGroup`, in place of `grade`. */
      readonly gradesGroups: boolean;
      /** Whether its tasks have several turns: it implements `step`, in place of `grade`. */
      readonly hasStep: boolean;
    }
  /** The module threw outside of a call; the process ends. */
  | { readonly type: "failed"; readonly text: string }
  /** Result number `index` of a call. */
  | {
      readonly type: "result";
      readonly id: number;
      readonly index: number;
      readonly outcome: Outcome;
    };

/** Validates a message: the module's code can post arbitrary values. */
export function isModuleMessage(message: unknown): message is ModuleMessage {
  const given = (message ?? {}) as Readonly<Record<string, unknown>>;
  if (given["type"] === "opened") {
    const { problem, hasGoldReply, gradesGroups, hasStep } = given;
    const areFlags = [hasGoldReply, gradesGroups, hasStep].every(
      (flag) => typeof flag === "boolean",
    );
    return (problem === null || typeof problem === "string") && areFlags;
  }
  if (given["type"] === "failed") return typeof given["text"] === "string";
  const { id, index, outcome } = given;
  if (given["type"] !== "result" || !isCount(id) || !isCount(index)) return false;
  const { ok, text } = (outcome ?? {}) as Readonly<Record<string, unknown>>;
  return ok === true || (ok === false && typeof text === "string");
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
