import { Rng } from "@gumshoe/core";

import { type TaskSource, type TaskSourceOptions } from "../environment/environment.js";
import { DatasetError } from "../errors.js";
import { type DifficultyRange, drain, type Search, searchCase } from "../find-case.js";
import { type Case, caseId } from "../generate-case.js";
import { type Style } from "../prompt/style.js";
import { type TierName } from "../tiers.js";
import { type PuzzleRecord } from "./dataset.js";
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

/** Random stream of the order of records, separate from the other uses of a seed. */
const ORDER_STREAM = 0x6f7264;

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
  { orderSeed = null, exclude }: TaskSourceOptions,
): TaskSource<CaseTask> {
  const tasks = records
    .map((record, index) =>
      makeTask({
        id: `record-${index + 1}`,
        prompt: record.prompt,
        solution: record.solution,
        questions: readQuestions(record, `record ${index + 1}`),
      }),
    )
    .filter(({ contentHash }) => !exclude?.has(contentHash));
  if (tasks.length === 0) throw new DatasetError("file", "leaves no case to draw from");
  let shuffled: { pass: number; tasks: CaseTask[] } | null = null;
  return {
    size: tasks.length,
    task(index) {
      const pass = Math.floor(index / tasks.length);
      if (orderSeed !== null && shuffled?.pass !== pass) {
        shuffled = { pass, tasks: new Rng(orderSeed, ORDER_STREAM, pass).shuffle(tasks) };
      }
      return (shuffled?.tasks ?? tasks)[index % tasks.length] as CaseTask;
    },
  };
}
