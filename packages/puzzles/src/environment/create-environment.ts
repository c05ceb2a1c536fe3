import type { GraderName } from "../grading/grade.js";
import { clueEnvironment } from "../tasks/clue-environment.js";
import type { TaskSourceSpec } from "../tasks/task-source.js";
import { zebraEnvironment, type ZebraSeries } from "../zebra/zebra-environment.js";
import type { Environment } from "./environment.js";

/** Specifies one of the environments of this package. */
export type EnvironmentSpec = TaskSourceSpec | ({ type: "zebra" } & ZebraSeries);

/**
 * Creates an environment.
 *
 * @param options.grader  grader that reads the replies
 * @throws DatasetError when a record is invalid
 */
export function createEnvironment(
  spec: EnvironmentSpec,
  { grader = "fixed" }: { grader?: GraderName } = {},
): Environment {
  return spec.type === "zebra" ? zebraEnvironment(spec, grader) : clueEnvironment(spec, grader);
}
