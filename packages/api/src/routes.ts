/**
 * Every route of the API: what it takes and returns. The server serves these and no others; the
 * OpenAPI document is made from them.
 */
import { z } from "zod";

import { Done, EmptyBody, LoginBody, LoginCode, PriorityBody, SubmitBody } from "./action.js";
import { AlarmList } from "./alarm.js";
import { AnswerQuery, FoundAnswers } from "./answer-search.js";
import { CheckpointList, CheckpointPath } from "./checkpoint.js";
import { CompareQuery, Comparison } from "./compare.js";
import { RunEvents, RunEventsQuery } from "./event.js";
import { GroupKind, runName, wholeText } from "./fields.js";
import { Fleet } from "./fleet.js";
import {
  Group,
  GroupPath,
  GroupQuery,
  GroupTable,
  PartQuery,
  TextPage,
  TokenPage,
} from "./group.js";
import { HeldOutTasks, TaskHistory, TaskPath } from "./held-out.js";
import { LiveQuery } from "./live.js";
import { RunDetail, RunList } from "./run.js";
import { Series, SeriesQuery } from "./series.js";
import { Timeline } from "./timeline.js";

/** One route. */
export interface Route {
  readonly method: "GET" | "POST";
  /** With parameters in braces, e.g. `/api/runs/{run}`. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Schema of the JSON answer; null for a file or a stream. */
  readonly response: z.ZodType | null;
  /** Content type of an answer that is no JSON. */
  readonly contentType?: string;
}

const run = z.object({ run: runName() });
const iteration = z.object({ run: runName(), iteration: wholeText() });
const groups = iteration.extend({ kind: GroupKind });
const answer = GroupPath.extend({ index: wholeText().describe("rollout index") });

/** The routes, by the name of what they do. */
export const ROUTES = {
  login: {
    method: "POST",
    path: "/api/login",
    summary: "Log in: sets the cookie of a session. Needs no login.",
    body: LoginBody,
    response: Done,
  },
  logout: {
    method: "POST",
    path: "/api/logout",
    summary: "Log out: deletes the cookie.",
    body: EmptyBody,
    response: Done,
  },
  loginCode: {
    method: "POST",
    path: "/api/login-code",
    summary: "Make a one-time code for a link to the page.",
    body: EmptyBody,
    response: LoginCode,
  },
  runs: {
    method: "GET",
    path: "/api/runs",
    summary: "All runs, the newest first.",
    response: RunList,
  },
  submit: {
    method: "POST",
    path: "/api/runs",
    summary: "Submit a run, or continue the run of that name and config.",
    body: SubmitBody,
    response: RunDetail,
  },
  run: {
    method: "GET",
    path: "/api/runs/{run}",
    summary: "One run in full.",
    params: run,
    response: RunDetail,
  },
  cancel: {
    method: "POST",
    path: "/api/runs/{run}/cancel",
    summary: "Stop a run after the job in flight.",
    params: run,
    body: EmptyBody,
    response: RunDetail,
  },
  resume: {
    method: "POST",
    path: "/api/runs/{run}/resume",
    summary: "Continue a run that was cancelled, failed or is stuck.",
    params: run,
    body: EmptyBody,
    response: RunDetail,
  },
  prioritize: {
    method: "POST",
    path: "/api/runs/{run}/priority",
    summary: "Change the priority of a run; it takes effect before the next iteration.",
    params: run,
    body: PriorityBody,
    response: RunDetail,
  },
  runLive: {
    method: "GET",
    path: "/api/runs/{run}/live",
    summary: "What happens in a run, as server-sent events.",
    params: run,
    query: LiveQuery,
    response: null,
    contentType: "text/event-stream",
  },
  series: {
    method: "GET",
    path: "/api/runs/{run}/series",
    summary: "The metrics of a run through its iterations, down-sampled.",
    params: run,
    query: SeriesQuery,
    response: Series,
  },
  events: {
    method: "GET",
    path: "/api/runs/{run}/events",
    summary: "Checkpoints, lost workers, tiers, resumes and other events of a run.",
    params: run,
    query: RunEventsQuery,
    response: RunEvents,
  },
  groups: {
    method: "GET",
    path: "/api/runs/{run}/iterations/{iteration}/{kind}",
    summary:
      "The groups of an iteration, of the validation before it, or of the report on its weights.",
    params: groups,
    response: GroupTable,
  },
  group: {
    method: "GET",
    path: "/api/runs/{run}/iterations/{iteration}/{kind}/{group}",
    summary: "A group: its prompt, its right answer, and its answers.",
    params: GroupPath,
    query: GroupQuery,
    response: Group,
  },
  answerTokens: {
    method: "GET",
    path: "/api/runs/{run}/iterations/{iteration}/{kind}/{group}/{index}/tokens",
    summary: "Tokens of an answer with their log-probs.",
    params: answer,
    query: PartQuery,
    response: TokenPage,
  },
  answerText: {
    method: "GET",
    path: "/api/runs/{run}/iterations/{iteration}/{kind}/{group}/{index}/text",
    summary: "Part of an answer's text.",
    params: answer,
    query: PartQuery,
    response: TextPage,
  },
  timeline: {
    method: "GET",
    path: "/api/runs/{run}/iterations/{iteration}/timeline",
    summary: "Where the time of an iteration went, by worker.",
    params: iteration,
    response: Timeline,
  },
  answers: {
    method: "GET",
    path: "/api/runs/{run}/answers",
    summary: "Search the answers of a run.",
    params: run,
    query: AnswerQuery,
    response: FoundAnswers,
  },
  heldOut: {
    method: "GET",
    path: "/api/runs/{run}/held-out",
    summary: "The held-out tasks with their rewards through the iterations.",
    params: run,
    response: HeldOutTasks,
  },
  heldOutTask: {
    method: "GET",
    path: "/api/runs/{run}/held-out/{task}",
    summary: "The answers to one held-out task through the iterations.",
    params: TaskPath,
    query: GroupQuery,
    response: TaskHistory,
  },
  checkpoints: {
    method: "GET",
    path: "/api/runs/{run}/checkpoints",
    summary: "The checkpoints on disk.",
    params: run,
    response: CheckpointList,
  },
  checkpointFile: {
    method: "GET",
    path: "/api/runs/{run}/checkpoints/{iteration}/files/{file}",
    summary: "Download a file of a checkpoint.",
    params: CheckpointPath,
    response: null,
    contentType: "application/octet-stream",
  },
  compare: {
    method: "GET",
    path: "/api/compare",
    summary: "Runs side by side: their configs and their common tasks.",
    query: CompareQuery,
    response: Comparison,
  },
  fleet: {
    method: "GET",
    path: "/api/fleet",
    summary: "Workers, queues and coordinator.",
    response: Fleet,
  },
  alarms: {
    method: "GET",
    path: "/api/alarms",
    summary: "The alarms of all runs, active and ended.",
    response: AlarmList,
  },
  live: {
    method: "GET",
    path: "/api/live",
    summary: "Runs, fleet and alarms, as server-sent events.",
    response: null,
    contentType: "text/event-stream",
  },
  openapi: {
    method: "GET",
    path: "/api/openapi.json",
    summary: "This description, as OpenAPI 3.1.",
    response: z.record(z.string(), z.unknown()),
  },
} as const satisfies Record<string, Route>;
/** Name of a route. */
export type RouteName = keyof typeof ROUTES;
