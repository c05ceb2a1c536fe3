export { type CaseRecord, caseRecord } from "./case-record.js";
export { type CaseCheck, checkCase } from "./check-case.js";
export { checkRecord } from "./check-record.js";
export { corpus } from "./corpus.js";
export { createEnvironment, type EnvironmentSpec } from "./environment/create-environment.js";
export {
  type Environment,
  firstWanted,
  firstWantedAsync,
  type TaskGrade,
  type TaskSource,
  type TaskSourceOptions,
} from "./environment/environment.js";
export { recordSource } from "./environment/record-source.js";
export {
  MAX_PROMPT_CHARACTERS,
  type Message,
  readMessages,
  readTask,
  type Task,
  taskToJson,
} from "./environment/task.js";
export {
  DatasetError,
  PromptError,
  ScenarioError,
  TaskFormatError,
  TierError,
  UnsolvableError,
} from "./errors.js";
export { type CaseQuery, type DifficultyRange, findCase, type FoundCase } from "./find-case.js";
export { type Case, caseId, type CaseName, generateCase, generatePlot } from "./generate-case.js";
export { type Grade, grade, type GraderName, type QuestionGrade } from "./grading/grade.js";
export { voteReply } from "./grading/vote-reply.js";
export {
  type AnswerSheet,
  type Carelessness,
  carelessReply,
  goldReply,
  type Question,
  randomGuessLevel,
} from "./grading/replies.js";
export {
  ALL_NAMES,
  CLASSIC_NAMES,
  type Kind,
  TIME_PATTERN,
  VICTIM,
  type Vocabulary,
} from "./names.js";
export { type Style, STYLES } from "./prompt/style.js";
export { type Search } from "./search.js";
export { type SolvedPrompt, solvePrompt } from "./solve-prompt.js";
export { type ExplainedCase, explainCase, showCase } from "./show-case.js";
export { type SatSolver, type SolverFactory } from "./solver/sat-solver.js";
export { parseDataset, type PuzzleRecord } from "./tasks/dataset.js";
export { gradeTask } from "./tasks/grade-task.js";
export { createTaskSource, type TaskSourceSpec } from "./tasks/task-source.js";
export { type CaseTask, caseTaskFromJson, makeTask } from "./tasks/task.js";
export { type Tier, TIER_NAMES, type TierName, TIERS } from "./tiers.js";
export { drawNight } from "./trace/board-text.js";
export { type Difficulty, measureDifficulty } from "./trace/difficulty.js";
export { tracedReply, type TracedReplyOptions, writeTrace } from "./trace/trace-text.js";
export { generateZebra, type Zebra, type ZebraName } from "./zebra/generate-zebra.js";
export { type ZebraSeries, type ZebraTask } from "./zebra/zebra-environment.js";
