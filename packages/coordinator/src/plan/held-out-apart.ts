import { InvalidArgumentError } from "@gumshoe/core";
import type { Task } from "@gumshoe/puzzles";

/**
 * Checks that validation and report have no task in common: weights that were chosen by a validation are not
 * measured by its tasks.
 *
 * @throws InvalidArgumentError naming the report's source
 */
export function checkApart(validation: readonly Task[], report: readonly Task[]): void {
  const known = new Map(validation.map(({ contentHash, id }) => [contentHash, id]));
  const both = report.filter(({ contentHash }) => known.has(contentHash));
  const [first] = both;
  if (first === undefined) return;
  const problem =
    `has ${both.length} of its ${report.length} tasks in the validation, too, such as ${first.id}, ` +
    `there ${known.get(first.contentHash)}: the report measures tasks that nothing was chosen by`;
  throw new InvalidArgumentError("report.source", problem, {
    suggestion: "another seed, or another split of the file",
  });
}
