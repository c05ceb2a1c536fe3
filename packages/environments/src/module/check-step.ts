import { MAX_PROMPT_CHARACTERS, type TaskGrade } from "@gumshoe/puzzles";

import type { StepMessage } from "../user-environment.js";
import { checkGrade, type RewardWeights, wrongForm } from "./check-grade.js";
import type { Outcome } from "./messages.js";

/** What follows a reply: messages that the model replies to, or the grade that ends the answer. */
export type StepResult =
  | {
      readonly type: "messages";
      readonly messages: readonly StepMessage[];
      /** JSON, passed to the next step. */
      readonly state: unknown;
    }
  | { readonly type: "grade"; readonly grade: TaskGrade };

const ROLES: readonly unknown[] = ["user", "system", "tool"];
/** Most characters of a state as JSON: it is sent to the module's process with every step. */
const MAX_STATE = 1_000_000;

/**
 * Validates the result of `step()`. An exception, or a result of the wrong form, ends the answer: it could not be scored.
 */
export function checkStep(
  outcome: Outcome,
  { isLast, weights }: { readonly isLast: boolean; readonly weights: RewardWeights | null },
): StepResult {
  const value = outcome.ok ? outcome.value : null;
  if (typeof value !== "object" || value === null || !("messages" in value)) {
    return { type: "grade", grade: checkGrade(outcome, { origin: "step()", weights }) };
  }
  const problem = problemOf(value, isLast);
  if (problem !== null) return { type: "grade", grade: wrongForm("step()", value, problem) };
  const { messages, state = null } = value as { messages: StepMessage[]; state?: unknown };
  return {
    type: "messages",
    messages: messages.map(({ role, content }) => ({ role, content })),
    state,
  };
}

function problemOf(value: object, isLast: boolean): string | null {
  if (isLast) return "no turn follows when isLast is true: it must return { reward, metrics } then";
  const { messages, reward, state } = value as Record<string, unknown>;
  if (reward !== undefined) return "a reward ends the answer, so that no messages follow";
  if (!Array.isArray(messages) || messages.length === 0) {
    return "messages must be a list with at least one message";
  }
  let length = 0;
  for (const [i, message] of messages.entries()) {
    const { role, content } = (message ?? {}) as Record<string, unknown>;
    if (!ROLES.includes(role)) return `messages[${i}].role must be one of ${ROLES.join(", ")}`;
    if (typeof content !== "string") return `messages[${i}].content must be a text`;
    length += content.length;
  }
  if (length > MAX_PROMPT_CHARACTERS) {
    return `messages have ${length} characters together, at most ${MAX_PROMPT_CHARACTERS}`;
  }
  const stateLength = state === undefined ? 0 : JSON.stringify(state).length;
  return stateLength > MAX_STATE
    ? `state has ${stateLength} characters as JSON, at most ${MAX_STATE}`
    : null;
}
