import type { RunConfig } from "@gumshoe/config";
import type { Tokenizer } from "@gumshoe/engine";
import { type RunEnvironment, singleEnvironments } from "@gumshoe/environments";
import type { Task } from "@gumshoe/puzzles";

import type { MeasuredTokens } from "./work-size.js";

/** Tasks of each source that are looked at: a hard case takes half a second to make. */
const TASKS_PER_SOURCE = 4;

/** The first tasks of one source. */
export interface FirstTasks {
  readonly environment: RunEnvironment;
  readonly tasks: readonly Task[];
  /** Whether they are trained on with their right replies. */
  readonly isExample: boolean;
}

/** The opened sources of a run's tasks. */
export interface TaskEnvironments {
  /** Of training tasks: the source, and the tiers of a curriculum. */
  readonly training: readonly RunEnvironment[];
  /** Of the validation and of the report; null for a set that the run does not have. */
  readonly heldOut: readonly (RunEnvironment | null)[];
}

/**
 * Draws a run's first tasks, and counts the tokens of the longest.
 *
 * @returns null when a prompt cannot be written: the checks of a submission say why
 */
export async function measureTokens(
  config: RunConfig,
  tokenizer: Tokenizer,
  { training, heldOut }: TaskEnvironments,
): Promise<MeasuredTokens | null> {
  const drawn: FirstTasks[] = [];
  const draw = async (environment: RunEnvironment, isExample: boolean) => {
    const source = environment.source();
    const count = Math.min(TASKS_PER_SOURCE, source.size ?? TASKS_PER_SOURCE);
    const tasks: Task[] = [];
    for (let index = 0; index < count; index++) tasks.push(await source.task(index));
    drawn.push({ environment, tasks, isExample });
  };
  try {
    for (const one of training.flatMap(singleEnvironments)) await draw(one, config.type === "sft");
    for (const held of heldOut) {
      for (const one of held === null ? [] : singleEnvironments(held)) await draw(one, false);
    }
    return await longestTokens(config, tokenizer, drawn);
  } catch {
    return null;
  }
}

/**
 * Counts the tokens of the longest of a run's first tasks.
 *
 * @throws TokenizerError, TemplateDateError when a prompt cannot be written
 */
export async function longestTokens(
  config: RunConfig,
  tokenizer: Tokenizer,
  drawn: readonly FirstTasks[],
): Promise<MeasuredTokens> {
  const { template: variables, date } = config.tasks;
  let prompt = 1;
  let example = 1;
  for (const { environment, tasks, isExample } of drawn) {
    for (const task of tasks) {
      const { length } = tokenizer.encodeChat(task.messages, { variables, date });
      prompt = Math.max(prompt, length);
      if (!isExample) continue;
      if (environment.step !== undefined) {
        // A conversation is only known when it is held.
        example = config.maxPackTokens;
        continue;
      }
      const reply = await longestReply(config, environment, task);
      example = Math.max(example, length + tokenizer.encode(reply).length + 1);
    }
  }
  return { prompt, example: config.type === "sft" ? example : null };
}

/** Returns the longest reply that a supervised run can train on for a task of one turn; empty if there is none. */
export async function longestReply(
  config: RunConfig,
  environment: RunEnvironment,
  task: Task,
): Promise<string> {
  const answers = config.type === "sft" ? config.examples.answers : null;
  const reply =
    answers?.type === "trace"
      ? environment.tracedReply?.(task, answers)
      : environment.goldReply?.(task);
  return (await reply) ?? "";
}
