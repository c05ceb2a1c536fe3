import { type Alarm } from "@gumshoe/api";
import { type Clock, type Logger, type Tls } from "@gumshoe/core";
import { type JobQueue } from "@gumshoe/queue";

import { type EventLoopMonitor } from "../event-loop-monitor.js";
import { type Fleet } from "../fleet/fleet.js";
import { LiveStreams } from "../live/live-streams.js";
import { ReadingThread } from "../reading/reading-thread.js";
import { type RunManager } from "../run/run-manager.js";
import { AnswerViews } from "../view/answer-views.js";
import { FleetViews } from "../view/fleet-view.js";
import { RunViews } from "../view/run-views.js";
import { apiHandlers } from "./api-handlers.js";
import { ApiServer } from "./api-server.js";
import { HttpServer } from "./http-server.js";
import { type Metrics } from "./metrics.js";
import { Sessions } from "./sessions.js";
import { StaticPage } from "./static-page.js";
import { type CoordinatorSettings } from "../settings.js";

/** What the HTTP server of a coordinator shows. */
export interface HttpParts {
  readonly settings: CoordinatorSettings;
  readonly runs: RunManager;
  readonly fleet: Fleet;
  readonly queues: readonly (JobQueue<"rollout"> | JobQueue<"gradient">)[];
  readonly eventLoop: EventLoopMonitor;
  readonly metrics: Metrics;
  readonly alarms: {
    readonly all: () => readonly Alarm[];
    readonly standing: (run: string | null) => readonly Alarm[];
  };
  readonly redisProblem: () => string | null;
  readonly isServing: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An open HTTP server. */
export interface OpenHttp {
  /** host:port that is served. */
  readonly address: string;
  readonly stop: () => Promise<void>;
}

/** Opens the coordinator's HTTP server. @throws ListenError */
export async function openHttp(listen: string, parts: HttpParts): Promise<OpenHttp> {
  const { settings, runs, fleet, queues, eventLoop, metrics, alarms, clock, logger } = parts;
  const { token, tls, prices, pageFolder } = settings;
  const sessions = new Sessions({ token, clock, isSecure: isSecure(tls) });
  const reading = new ReadingThread();
  const views = new RunViews({ runs, prices, alarms: alarms.standing });
  const fleetViews = new FleetViews({
    fleet,
    eventLoop,
    queues,
    redisProblem: parts.redisProblem,
    workersWanted: (role) => runs.activeDriver()?.workersWanted(role) ?? 0,
    nowMs: () => clock.now(),
  });
  const live = new LiveStreams({ views, fleet: fleetViews, alarms: alarms.standing, clock });
  const handlers = apiHandlers({
    runs,
    views,
    answers: new AnswerViews(reading, runs),
    fleet: fleetViews,
    live,
    sessions,
    alarms: alarms.all,
  });
  const server = new HttpServer({
    isServing: parts.isServing,
    token,
    tls,
    logger,
    sessions,
    pages: new Map([
      ["/metrics", { contentType: metrics.contentType, text: () => metrics.text() }],
    ]),
    api: new ApiServer(handlers, logger),
    page: await StaticPage.open(pageFolder),
  });
  const address = await server.listen(listen);
  const stop = async () => {
    live.stop();
    await server.stop();
    await reading.stop();
  };
  return { address, stop };
}

function isSecure(tls: Tls): boolean {
  return tls !== null && tls !== "off";
}
