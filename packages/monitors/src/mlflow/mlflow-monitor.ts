import type {
  Monitor,
  MonitoredRun,
  MonitorSession,
  Outcome,
  Point,
  Position,
} from "../monitor.js";
import { flatParams, mlflowName } from "./flat-params.js";
import { MlflowApi, type MlflowSettings } from "./mlflow-api.js";

/** Tag by which a run is found again; its value is the id of the run's position. */
const TAG = "gumshoe.id";
/** The server takes this many of each in one request. */
const MAX_METRICS = 1000;
const MAX_PARAMS = 100;

const STATUS = { done: "FINISHED", failed: "FAILED", cancelled: "KILLED" } as const;

/**
 * Sends metrics to an MLflow tracking server by its REST API. The server keeps one value for each metric,
 * step and time: points that are sent twice are there once.
 */
export class MlflowMonitor implements Monitor {
  readonly name = "mlflow";
  readonly #api: MlflowApi;

  constructor(settings: MlflowSettings) {
    this.#api = new MlflowApi(settings);
  }

  async open(run: MonitoredRun, { id, next }: Position): Promise<MonitorSession> {
    const api = this.#api;
    const experimentId = await api.experimentId();
    const found = await api.findRun(experimentId, `\`${TAG}\``, id);
    const runId = found ?? (await this.#create(run, experimentId, id));
    if (found !== null) await api.updateRun({ run_id: runId, status: "RUNNING" });
    let lastAtMs = run.submittedAtMs;
    return {
      // A run that was deleted at the server is sent again from its beginning.
      next: found === null ? 0 : next,
      send: async (points) => {
        for (const metrics of batches(points.flatMap(toMetrics), MAX_METRICS)) {
          await api.logBatch({ run_id: runId, metrics });
        }
        lastAtMs = points.at(-1)?.atMs ?? lastAtMs;
      },
      finish: (outcome: Outcome) =>
        api.updateRun({ run_id: runId, status: STATUS[outcome], end_time: lastAtMs }),
      close: () => undefined,
    };
  }

  async #create(run: MonitoredRun, experimentId: string, id: string): Promise<string> {
    const runId = await this.#api.createRun({
      experiment_id: experimentId,
      run_name: run.name,
      start_time: run.submittedAtMs,
      tags: [
        { key: TAG, value: id },
        { key: "mlflow.source.name", value: "gumshoe" },
      ],
    });
    for (const params of batches(flatParams(run.config), MAX_PARAMS)) {
      await this.#api.logBatch({ run_id: runId, params });
    }
    return runId;
  }
}

function toMetrics({ step, atMs, metrics }: Point): object[] {
  return Object.entries(metrics).map(([name, value]) => ({
    key: mlflowName(name),
    value,
    timestamp: Math.round(atMs),
    step,
  }));
}

function batches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  );
}
