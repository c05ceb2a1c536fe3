import { ClusterError } from "@gumshoe/core";
import type { JobQueue } from "@gumshoe/queue";

/** Returns the error of a run whose jobs were given up: the first of them, its tries and its last error. */
export async function deadJobError(
  queue: JobQueue<"rollout"> | JobQueue<"gradient">,
  dead: readonly string[],
): Promise<Error> {
  const letters = await queue.deadLetters();
  const letter = letters.find(({ key }) => dead.includes(key));
  const reason = letter === undefined ? "" : ` after ${letter.attempts} tries: ${letter.error}`;
  return new ClusterError("FAILED_PRECONDITION", `job ${dead[0] ?? ""} was given up${reason}`);
}
