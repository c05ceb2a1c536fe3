import { ClusterError, InvalidArgumentError } from "@gumshoe/core";

/** Thrown when a file of cases is invalid; names the line, the record and the field. */
export class DatasetError extends ClusterError {
  constructor(
    readonly place: string,
    readonly problem: string,
    readonly field: string | null = null,
  ) {
    const where = field === null ? place : `${place}, field ${field}`;
    super("INVALID_ARGUMENT", `${where}: ${problem}`, { details: { place, field, problem } });
  }
}

/** Thrown when the JSON form of a task lacks a field or holds a wrong value. */
export class TaskFormatError extends InvalidArgumentError {}

/** Thrown when a tier's sizes, moves or questions are impossible; names the parameter. */
export class TierError extends InvalidArgumentError {}

/** Thrown when many attempts gave no scenario of the wanted shape. */
export class ScenarioError extends ClusterError {
  constructor(
    readonly tries: number,
    shape: string,
  ) {
    super("FAILED_PRECONDITION", `no murder was possible in ${tries} scenarios of ${shape}`, {
      details: { tries, shape },
    });
  }
}

/** Thrown when a prompt cannot be parsed: names the line and the problem. */
export class PromptError extends ClusterError {
  constructor(
    readonly line: string,
    problem: string,
  ) {
    super("INVALID_ARGUMENT", `${problem}: "${line}"`, { details: { line, problem } });
  }
}

/** Thrown when clues contradict each other, or leave more than one solution. */
export class UnsolvableError extends ClusterError {
  constructor(
    readonly reason: "contradiction" | "ambiguous",
    problem: string,
    readonly clues: readonly string[] = [],
  ) {
    super("FAILED_PRECONDITION", problem, { details: { reason, clues } });
  }
}
