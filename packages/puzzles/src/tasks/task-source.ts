import type { TaskSource, TaskSourceOptions } from "../environment/environment.js";
import { recordSource } from "../environment/record-source.js";
import { type DifficultyRange, searchCase } from "../find-case.js";
import { drain, type Search } from "../search.js";
import { type Case, caseId } from "../generate-case.js";
import type { Style } from "../prompt/style.js";
import type { TierName } from "../tiers.js";
import type { PuzzleRecord } from "./dataset.js";
import { readQuestions } from "./read-questions.js";
import { type CaseTask, makeTask } from "./task.js";

/** Specifies a source of tasks: an endless generated series, or the records of a file. */
export type TaskSourceSpec =
  | {
      type: "generate";
      tier: TierName;
      style: Style;
      seed: number;
      /** Null for any. */
      difficulty?: DifficultyRange | null;
    }
  | { type: "dataset"; records: readonly PuzzleRecord[] };

/**
 * Creates a source of tasks.
 *
 * @throws DatasetError when no record remains to draw from, or one has an unknown answer
 */
export function createTaskSource(
  spec: TaskSourceSpec,
  options: TaskSourceOptions = {},
): TaskSource<CaseTask> {
  return spec.type === "generate"
    ? generatedSource(spec, options)
    : datasetSource(spec.records, options);
}

function generatedSource(
  spec: Extract<TaskSourceSpec, { type: "generate" }>,
  { exclude, solver }: TaskSourceOptions,
): TaskSource<CaseTask> {
  const { tier, style, seed, difficulty } = spec;
  const taskOf = (made: Case) => makeTask({ id: caseId(made), ...made });
  const accept = (made: Case) => exclude?.has(taskOf(made).contentHash) !== true;
  function* search(index: number): Search<CaseTask> {
    const name = { tier, style, seed, index };
    const { made } = yield* searchCase(name, { difficulty, accept, solver });
    return taskOf(made);
  }
  return { size: null, search, task: (index) => drain(search(index)) };
}

function datasetSource(
  records: readonly PuzzleRecord[],
  options: TaskSourceOptions,
): TaskSource<CaseTask> {
  const tasks = records.map((record, index) =>
    makeTask({
      id: `record-${index + 1}`,
      prompt: record.prompt,
      solution: record.solution,
      questions: readQuestions(record, `record ${index + 1}`),
    }),
  );
  return recordSource(tasks, options);
}
