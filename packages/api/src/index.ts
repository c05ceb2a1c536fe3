export {
  Done,
  EmptyBody,
  LoginBody,
  LoginCode,
  PriorityBody,
  Problem,
  SubmitBody,
} from "./action.js";
export { Alarm, AlarmKind, AlarmList } from "./alarm.js";
export { AnswerQuery, FoundAnswer, FoundAnswers } from "./answer-search.js";
export { Checkpoint, CheckpointFile, CheckpointList, CheckpointPath } from "./checkpoint.js";
export { CommonTask, CompareQuery, Comparison, ConfigDifference } from "./compare.js";
export { RunEventItem, RunEventKind, RunEvents, RunEventsQuery } from "./event.js";
export { GroupKind, Interval, Validation, WeightVersion } from "./fields.js";
export { CoordinatorLoad, Fleet, Queue, Worker } from "./fleet.js";
export { Cost, Forecast, Usage } from "./forecast.js";
export {
  Answer,
  Group,
  GroupPath,
  GroupQuery,
  GroupRow,
  GroupTable,
  PartQuery,
  QuestionScore,
  TextPage,
  TokenPage,
} from "./group.js";
export {
  HeldOutTask,
  HeldOutTasks,
  TaskAnswers,
  TaskHistory,
  TaskPath,
  TaskPoint,
} from "./held-out.js";
export {
  ClusterMessages,
  type ClusterMessageName,
  LiveQuery,
  RunMessages,
  type RunMessageName,
} from "./live.js";
export { describeMetric, type MetricTitle } from "./metric-titles.js";
export { openApiDocument } from "./open-api.js";
export { type Route, ROUTES, type RouteName } from "./routes.js";
export { Attempt, Progress, RunDetail, RunInput, RunList, RunStatus, RunSummary } from "./run.js";
export { IterationMetrics, MetricSection, Series, SeriesColumn, SeriesQuery } from "./series.js";
export { Phase, Span, SpanKind, Timeline, WorkerTimeline } from "./timeline.js";
