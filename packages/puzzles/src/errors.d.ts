import { ClusterError, InvalidArgumentError } from "@gumshoe/core";
/** Thrown when a file of cases is not what it should be; names the line, the record and the field. */
export declare class DatasetError extends ClusterError {
  readonly place: string;
  readonly field: string | null;
  constructor(place: string, problem: string, field?: string | null);
}
/** Thrown when the JSON form of a task lacks a field or holds a wrong value. */
export declare class TaskFormatError extends InvalidArgumentError {}
/** Thrown when a tier asks for sizes, moves or questions that no case can have; names the parameter. */
export declare class TierError extends InvalidArgumentError {}
/** Thrown when no scenario of the wanted shape came up in many tries. */
export declare class ScenarioError extends ClusterError {
  readonly tries: number;
  constructor(tries: number, shape: string);
}
/** Thrown when the text of a prompt cannot be read: names the line and what is wrong with it. */
export declare class PromptError extends ClusterError {
  readonly line: string;
  constructor(line: string, problem: string);
}
/** Thrown when clues contradict each other, or leave more than one solution. */
export declare class UnsolvableError extends ClusterError {
  readonly reason: "contradiction" | "ambiguous";
  readonly clues: readonly string[];
  constructor(reason: "contradiction" | "ambiguous", problem: string, clues?: readonly string[]);
}
//# sourceMappingURL=errors.d.ts.map
