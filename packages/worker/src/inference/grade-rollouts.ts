import type { SampledRollout, Tokenizer } from "@gumshoe/engine";
import type { RunEnvironment, TaskGrade } from "@gumshoe/environments";
import {
  floatsToBytes,
  type GroupSpec,
  type RolloutResult,
  tokensToBytes,
  withRewards,
} from "@gumshoe/protocol";

/** Dependencies for grading the rollouts of a group. */
export interface GradingContext {
  readonly environment: Pick<RunEnvironment, "readTask" | "grade">;
  readonly tokenizer: Pick<Tokenizer, "decode">;
  readonly signal: AbortSignal;
}

/**
 * Grades the sampled answers of a group.
 *
 * An answer that cannot be scored is not a wrong answer: it has no reward, but a reason.
 *
 * @throws ModuleFailedError when the user's module cannot be run, or the signal's reason
 */
export async function gradeRollouts(
  spec: Pick<GroupSpec, "taskJson">,
  sampled: readonly SampledRollout[],
  { environment, tokenizer, signal }: GradingContext,
): Promise<RolloutResult[]> {
  const task = environment.readTask(spec.taskJson.toString());
  const texts = sampled.map(({ tokens }) =>
    tokenizer.decode([...tokens], { skipSpecialTokens: true }),
  );
  const grades = await unlessAborted(environment.grade(task, texts), signal);
  return sampled.map((rollout, index) => {
    const grade = grades[index];
    if (grade === undefined) throw new Error(`answer ${index} was not graded`);
    return rolloutResult(rollout, grade, { text: texts[index] ?? "", messages: [] });
  });
}

/**
 * Converts a sampled answer with its grade to the form in which it is submitted.
 *
 * @param said.messages  of an answer of several turns; else empty
 */
export function rolloutResult(
  { tokens, segments = [], logprobs, finish }: SampledRollout,
  grade: TaskGrade,
  said: Pick<RolloutResult, "text" | "messages">,
): RolloutResult {
  return {
    tokens: tokensToBytes(tokens),
    logprobs: floatsToBytes(logprobs),
    finish,
    ...said,
    reward: grade.reward ?? undefined,
    gradingError: grade.reward === null ? grade.reason : "",
    metrics: withRewards(grade.metrics, grade.reward === null ? {} : grade.rewards),
    segments: [...segments],
  };
}

/** Stops waiting when the job is cancelled; the work itself ends by its own time limit. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
