import { ClusterError, InvalidArgumentError } from "@gumshoe/core";

/** Thrown when a user's module cannot be loaded or does not keep the contract; names the field. */
export class ModuleError extends InvalidArgumentError {}

/** Thrown when a worker's copy of a module is another one than the coordinator's. */
export class OtherModuleError extends ClusterError {
  constructor(file: string, expected: string, got: string) {
    super(
      "FAILED_PRECONDITION",
      `${file} is not the module that made the task: its SHA-256 is ${got}, not ${expected}`,
      { details: { file, expected, got } },
    );
  }
}
