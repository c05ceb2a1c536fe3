import type { Queue } from "@gumshoe/api";
import type { Clock, Logger, Tls } from "@gumshoe/core";
import type { JobQueue } from "@gumshoe/queue";
import { ListenError } from "@gumshoe/rpc";

import type { AlarmWatch } from "../alarm/alarm-watch.js";
import type { EventLoopMonitor } from "../event-loop-monitor.js";
import type { Fleet } from "../fleet/fleet.js";
import { LiveStreams } from "../live/live-streams.js";
import { ReadingThread } from "../reading/reading-thread.js";
import type { RunManager } from "../run/run-manager.js";
import { AnswerViews } from "../view/answer-views.js";
import { FleetViews } from "../view/fleet-view.js";
import { RunViews } from "../view/run-views.js";
import { apiHandlers } from "./api-handlers.js";
import { ApiServer } from "./api-server.js";
import { HttpServer } from "./http-server.js";
import type { Metrics } from "./metrics.js";
import { Sessions } from "./sessions.js";
import { StaticPage } from "./static-page.js";
import type { CoordinatorSettings } from "../settings.js";

/** What the HTTP server of a coordinator shows. */
export interface HttpParts {
  readonly settings: CoordinatorSettings;
  readonly runs: RunManager;
  readonly fleet: Fleet;
  readonly queues: readonly (JobQueue<"rollout"> | JobQueue<"gradient">)[];
  readonly eventLoop: EventLoopMonitor;
  readonly metrics: Metrics;
  readonly alarms: AlarmWatch;
  readonly redisProblem: () => string | null;
  readonly isServing: () => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** An open HTTP server. */
export interface OpenHttp {
  /** host:port that is served. */
  readonly address: string;
  /** Lengths of the queues; null while Redis is away. */
  readonly queueLengths: () => Promise<readonly Queue[] | null>;
  readonly stop: () => Promise<void>;
}

/**
 * Opens the coordinator's HTTP server.
 *
 * @param listen   host:port; port 0 for any free one
 * @param earlier  host:port that this coordinator's predecessor served: if any port will do, this
 *   one is tried first, so that open pages and links survive a restart; null for none
 * @throws         ListenError
 */
export async function openHttp(
  listen: string,
  earlier: string | null,
  parts: HttpParts,
): Promise<OpenHttp> {
  const { settings, runs, fleet, queues, eventLoop, metrics, alarms, clock, logger } = parts;
  const { token, tls, prices, pageFolder } = settings;
  const sessions = new Sessions({ token, clock, isSecure: isSecure(tls) });
  const reading = new ReadingThread();
  const activeAlarms = (run: string | null) => alarms.active(run);
  const views = new RunViews({ runs, prices, alarms: activeAlarms });
  const fleetViews = new FleetViews({
    fleet,
    eventLoop,
    queues,
    redisProblem: parts.redisProblem,
    workersWanted: (role) => runs.activeDriver()?.workersWanted(role) ?? 0,
    nowMs: () => clock.now(),
  });
  const live = new LiveStreams({ views, fleet: fleetViews, alarms: activeAlarms, clock });
  const handlers = apiHandlers({
    runs,
    views,
    answers: new AnswerViews(reading, runs),
    fleet: fleetViews,
    live,
    sessions,
    alarms: () => alarms.all(),
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
  const address = await listenAsBefore(server, listen, earlier);
  const stop = async () => {
    live.stop();
    await server.stop();
    await reading.stop();
  };
  return { address, queueLengths: () => fleetViews.queues(), stop };
}

async function listenAsBefore(
  server: HttpServer,
  listen: string,
  earlier: string | null,
): Promise<string> {
  const anyPort = /^(.*:)0$/.exec(listen)?.[1];
  if (anyPort !== undefined && earlier?.startsWith(anyPort) === true) {
    try {
      return await server.listen(earlier);
    } catch (error) {
      if (!(error instanceof ListenError)) throw error;
    }
  }
  return server.listen(listen);
}

function isSecure(tls: Tls): boolean {
  return tls !== null && tls !== "off";
}
