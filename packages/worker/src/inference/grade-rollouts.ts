import { type Clock, errorMessage } from "@gumshoe/core";
import { type SampledRollout, type Tokenizer } from "@gumshoe/engine";
import { floatsToBytes, type GroupSpec, type RolloutResult } from "@gumshoe/protocol";
import { type Environment, type Task } from "@gumshoe/puzzles";

import { SlowGradingError } from "../errors.js";

/** Time that an environment has to grade a group; most take less than a millisecond. */
const GRADING_DEADLINE_MS = 120_000;

/** What the rollouts of a group are graded with. */
export interface GradingContext {
  readonly environment: Environment;
  readonly tokenizer: Pick<Tokenizer, "decode">;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Grades the sampled answers of a group.
 *
 * An answer that cannot be scored is no wrong answer: it has no reward, and says why.
 *
 * @throws SlowGradingError, or the signal's reason
 */
export async function gradeRollouts(
  spec: Pick<GroupSpec, "groupKey" | "taskJson">,
  sampled: readonly SampledRollout[],
  { environment, tokenizer, clock, signal }: GradingContext,
): Promise<RolloutResult[]> {
  const task = environment.readTask(spec.taskJson);
  const graded = Promise.all(
    sampled.map(async ({ tokens, logprobs, finish }) => {
      const text = tokenizer.decode([...tokens], { skipSpecialTokens: true });
      const grade = await gradeOne(environment, task, text);
      return { tokens: [...tokens], logprobs: floatsToBytes(logprobs), finish, text, ...grade };
    }),
  );
  const done = new AbortController();
  const late = clock
    .sleep(GRADING_DEADLINE_MS, AbortSignal.any([signal, done.signal]))
    .then((): never => {
      throw new SlowGradingError(spec.groupKey, GRADING_DEADLINE_MS);
    });
  try {
    return await Promise.race([graded, late]);
  } finally {
    done.abort();
  }
}

async function gradeOne(
  environment: Environment,
  task: Task,
  text: string,
): Promise<Pick<RolloutResult, "reward" | "gradingError" | "metrics">> {
  try {
    const grade = await environment.grade(task, text);
    return {
      reward: grade.reward ?? undefined,
      gradingError: grade.reward === null ? grade.reason : "",
      metrics: { ...grade.metrics },
    };
  } catch (error) {
    return { reward: undefined, gradingError: errorMessage(error), metrics: {} };
  }
}
