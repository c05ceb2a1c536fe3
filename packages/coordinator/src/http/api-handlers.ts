import { type Alarm, openApiDocument } from "@gumshoe/api";
import { ClusterError, InvalidArgumentError } from "@gumshoe/core";
import { parseRunConfig, resolvePaths, runDifferences } from "@gumshoe/config";
import { EventStream } from "@gumshoe/http";

import { storedCheckpoints } from "../checkpoint/stored-checkpoints.js";
import type { LiveStreams } from "../live/live-streams.js";
import { checkFilesThere } from "../run/run-folder.js";
import type { RunManager } from "../run/run-manager.js";
import type { AnswerViews } from "../view/answer-views.js";
import { commonTasks } from "../view/common-tasks.js";
import type { FleetViews } from "../view/fleet-view.js";
import { groupTable } from "../view/group-table.js";
import { heldOutTasks } from "../view/held-out.js";
import type { RunViews } from "../view/run-views.js";
import { seriesOf } from "../view/series.js";
import { timelineOf } from "../view/timeline.js";
import { sendCheckpointFile } from "./checkpoint-file.js";
import { lastEventId, RETRY_MS } from "./event-stream.js";
import type { RouteHandlers } from "./router.js";
import { CODE_MS, type Sessions } from "./sessions.js";

const DEFAULT_EVENTS = 500;
const MAX_COMPARED = 20;

/** What the API shows and changes. */
export interface ApiSources {
  readonly runs: RunManager;
  readonly views: RunViews;
  readonly answers: AnswerViews;
  readonly fleet: FleetViews;
  readonly live: LiveStreams;
  readonly sessions: Sessions;
  /** Alarms of all runs, active and ended. */
  readonly alarms: () => readonly Alarm[];
}

type ReadHandlers = Omit<RouteHandlers, keyof ReturnType<typeof changeHandlers>>;

/** The handlers of the routes. */
export function apiHandlers(sources: ApiSources): RouteHandlers {
  return {
    ...changeHandlers(sources),
    ...runHandlers(sources),
    ...answerHandlers(sources),
    ...clusterHandlers(sources),
  };
}

/** Handlers that change something. */
function changeHandlers({ runs, views, sessions }: ApiSources) {
  return {
    login: ({ body, response }) => {
      const isGood = "token" in body ? sessions.isToken(body.token) : sessions.redeem(body.code);
      if (!isGood) throw new ClusterError("UNAUTHENTICATED", "the token or code is wrong");
      response.setHeader("set-cookie", sessions.newCookie());
      return { ok: true };
    },
    logout: ({ response }) => {
      response.setHeader("set-cookie", sessions.endCookie());
      return { ok: true };
    },
    loginCode: () => {
      const code = sessions.makeCode();
      return { code, path: `/login?code=${code}`, expiresInSeconds: CODE_MS / 1000 };
    },
    submit: async ({ body }) => {
      const record = await runs.submit(resolvePaths(parseRunConfig(body.config), null));
      return views.detail(record.config.name);
    },
    cancel: async ({ params }) => {
      await runs.cancel(params.run);
      return views.detail(params.run);
    },
    resume: async ({ params }) => {
      const { config } = runs.get(params.run);
      await runs.submit(config);
      return views.detail(params.run);
    },
    prioritize: async ({ params, body }) => {
      await runs.prioritize(params.run, body.priority);
      return views.detail(params.run);
    },
  } satisfies Partial<RouteHandlers>;
}

/** Finds a run and its history. @throws UnknownRunError */
async function openRun({ runs, views }: ApiSources, run: string) {
  const record = runs.get(run);
  return { record, history: await views.history(record) };
}

/** Handlers that show answers. */
function answerHandlers(sources: ApiSources) {
  const { runs, answers } = sources;
  const open = (run: string) => openRun(sources, run);
  return {
    groups: async ({ params }) => {
      const { record, history } = await open(params.run);
      const { iteration, kind } = params;
      const taskOf = await answers.taskIds(record, kind, iteration);
      return groupTable(record, history, { iteration, kind, taskOf });
    },
    group: async ({ params, query }) => {
      const { record, history } = await open(params.run);
      return answers.group(record, history, { path: params, query });
    },
    answerTokens: async ({ params, query }) => {
      const { record, history } = await open(params.run);
      return answers.tokens(record, history, { path: params, query });
    },
    answerText: async ({ params, query }) => {
      const { record, history } = await open(params.run);
      return answers.text(record, history, { path: params, query });
    },
    answers: async ({ params, query, signal }) => {
      return answers.search(runs.get(params.run), query, signal);
    },
    heldOut: async ({ params }) => {
      const { record, history } = await open(params.run);
      return heldOutTasks(record, history);
    },
    heldOutTask: async ({ params, query }) => {
      const { record, history } = await open(params.run);
      return answers.taskHistory(record, history, { task: params.task, query });
    },
  } satisfies Partial<ReadHandlers>;
}

/** Handlers that show a run. */
function runHandlers(sources: ApiSources) {
  const { runs, views, fleet, live } = sources;
  const open = (run: string) => openRun(sources, run);
  return {
    run: ({ params }) => views.detail(params.run),
    runLive: async ({ params, query, request, response }) => {
      const record = runs.get(params.run);
      const after = lastEventId(request, query.after);
      await live.openRun(record, new EventStream(response, { retryMs: RETRY_MS }), after);
    },
    series: async ({ params, query }) => {
      const { record, history } = await open(params.run);
      return seriesOf(record, history, query);
    },
    events: async ({ params, query }) => {
      const { history } = await open(params.run);
      const from = Number(query.cursor ?? 0);
      const limit = Math.max(1, query.limit ?? DEFAULT_EVENTS);
      const events = history.items.slice(from, from + limit);
      const isLast = from + limit >= history.items.length;
      return { events, next: isLast ? null : String(from + limit) };
    },
    timeline: async ({ params }) => {
      const { record, history } = await open(params.run);
      const { workers } = await fleet.get();
      return timelineOf(record, history, { iteration: params.iteration, workers });
    },
    checkpoints: async ({ params }) => {
      const record = runs.get(params.run);
      if (record.hasEnded) await checkFilesThere(record);
      const found = await storedCheckpoints(record);
      const folders = new Map(record.state.checkpoints.map((one) => [one.iteration, one.folder]));
      const checkpoints = found.map(({ iteration, weights, files, latest, best, reward }) => {
        const base = `/api/runs/${encodeURIComponent(params.run)}/checkpoints/${iteration}/files`;
        return {
          iteration,
          weights: { version: weights?.version ?? 0, digest: weights?.digest ?? "" },
          latest,
          best,
          reward: reward ?? null,
          bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
          folder: folders.get(iteration) ?? "",
          files: files.map((file) => ({
            ...file,
            path: `${base}/${encodeURIComponent(file.name)}`,
          })),
        };
      });
      const downloadCommand = `gumshoe download ${params.run}`;
      return { checkpoints, downloadCommand };
    },
    checkpointFile: ({ params, response }) =>
      sendCheckpointFile(runs.get(params.run), params, response),
  } satisfies Partial<ReadHandlers>;
}

function clusterHandlers(sources: ApiSources) {
  const { runs, views, answers, fleet, live, alarms, sessions } = sources;
  return {
    runs: () => ({ runs: views.list() }),
    compare: async ({ query }) => {
      const names = [...new Set(query.runs.split(",").filter((name) => name !== ""))];
      if (names.length === 0) throw new InvalidArgumentError("runs", "names no run");
      if (names.length > MAX_COMPARED) {
        throw new InvalidArgumentError("runs", `names ${names.length}, at most ${MAX_COMPARED}`);
      }
      const records = names.map((name) => runs.get(name));
      const prompts = [];
      for (const record of records) {
        prompts.push(await answers.heldOutPrompts(record, await views.history(record)));
      }
      return {
        runs: records.map((record) => views.summary(record)),
        differences: runDifferences(records.map(({ config }) => config)),
        commonTasks: commonTasks(prompts),
      };
    },
    fleet: () => fleet.get(),
    alarms: () => ({ alarms: [...alarms()] }),
    live: ({ response }) => live.openCluster(new EventStream(response, { retryMs: RETRY_MS })),
    openapi: () => openApiDocument(sessions.cookieName),
  } satisfies Partial<ReadHandlers>;
}
