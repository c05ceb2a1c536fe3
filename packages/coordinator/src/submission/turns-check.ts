/** Tries the first turn of a run's tasks before it starts. */
import { isDeepStrictEqual } from "node:util";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { type RunConfig, turnsOf } from "@gumshoe/config";
import { checkKeepsReplies, type Tokenizer, TokenizerError, turnCodec } from "@gumshoe/engine";
import { isWrongForm, type RunEnvironment, type StepResult } from "@gumshoe/environments";
import type { Task } from "@gumshoe/puzzles";

/** A source of tasks to try. */
interface TriedSource {
  /** Config field that names it. */
  readonly field: string;
  readonly environment: RunEnvironment;
  readonly tasks: readonly Task[];
}

/**
 * Checks that a run's config has limits for turns where its tasks have several, and there alone; that the chat template can
 * write them; and that the environment answers a first reply, in the same way twice.
 *
 * @throws InvalidArgumentError naming the field
 */
export async function checkTurns(
  { config, model }: { config: RunConfig; model: { readonly tokenizer: Tokenizer } },
  sources: readonly TriedSource[],
): Promise<void> {
  const limits = config.type === "grpo" ? "rollouts.turns" : "turns";
  const stepping = sources.filter(({ environment }) => environment.step !== undefined);
  const [first] = stepping;
  if (turnsOf(config) === undefined && first !== undefined) {
    const problem = `is missing: the module of ${first.field} has step(), so an answer may have several turns`;
    throw new InvalidArgumentError(limits, problem, { suggestion: "{ max: 4 }" });
  }
  if (turnsOf(config) !== undefined && first === undefined) {
    throw new InvalidArgumentError(limits, "is given, but no module of the run has step()");
  }
  for (const source of stepping) {
    const [task] = source.tasks;
    if (task === undefined) continue;
    checkTemplate(config, () => checkKeepsReplies(model.tokenizer, task.messages, chatOf(config)));
    const reply = (await source.environment.goldReply?.(task)) ?? "";
    const result = await tryStep(source, task, reply);
    if (result.type !== "messages") continue;
    const codec = turnCodec(model.tokenizer, task.messages, chatOf(config));
    const before = [{ role: "assistant", content: reply }] as const;
    checkTemplate(config, () => codec.encodeTurn(before, result.messages));
  }
}

/** Returns how a run's conversations are rendered. */
function chatOf({ tasks }: RunConfig) {
  return { variables: tasks.template, date: tasks.date };
}

function checkTemplate(config: RunConfig, render: () => unknown): void {
  try {
    render();
  } catch (cause) {
    if (!(cause instanceof TokenizerError)) throw cause;
    throw new InvalidArgumentError("model", `${config.model}: ${cause.message}`, { cause });
  }
}

async function tryStep(
  { field, environment }: TriedSource,
  task: Task,
  reply: string,
): Promise<StepResult> {
  const step = async () => {
    const turn = { turn: 0, state: null, isLast: false };
    const result = await environment.step?.(task, reply, turn, { tries: 1 });
    if (result === undefined) throw new Error("the environment has no step()");
    return result;
  };
  let results: [StepResult, StepResult];
  try {
    results = [await step(), await step()];
  } catch (cause) {
    throw new InvalidArgumentError(field, errorMessage(cause), { cause });
  }
  const [result, again] = results;
  if (result.type === "grade" && result.grade.reward === null && isWrongForm(result.grade)) {
    throw new InvalidArgumentError(field, result.grade.reason);
  }
  if (isDeepStrictEqual(result, again)) return result;
  const problem = `step() returned something else when it was called again for ${task.id}`;
  throw new InvalidArgumentError(field, problem, {
    suggestion: "it may depend on the task, the reply, the turn and the state alone",
  });
}
