import type { MonitoredRun, Outcome, Point, Work } from "@gumshoe/monitors";

import { reportFigures, validationFigures } from "../run/iteration-metrics.js";
import type { RunRecord } from "../run/run-record.js";
import { shownMetrics } from "../run/shown-metrics.js";
import { RunHistory } from "../view/run-history.js";
import { timelineOf } from "../view/timeline.js";

/** Shows runs to monitors; a run is the same object whenever it is listed. */
export class MonitoredRuns {
  readonly #records: () => readonly RunRecord[];
  readonly #runs = new WeakMap<RunRecord, MonitoredRun>();
  readonly #histories = new WeakMap<RunRecord, RunHistory>();

  constructor(records: () => readonly RunRecord[]) {
    this.#records = records;
  }

  list(): MonitoredRun[] {
    return this.#records().map((record) => {
      let run = this.#runs.get(record);
      if (run === undefined) this.#runs.set(record, (run = this.#show(record)));
      return run;
    });
  }

  #show(record: RunRecord): MonitoredRun {
    const { config, folder, state } = record;
    const isRemoved = () => !this.#records().includes(record);
    return {
      name: config.name,
      folder,
      config,
      get submittedAtMs() {
        return state.submittedAtMs;
      },
      get outcome() {
        return outcomeOf(record);
      },
      get isRemoved() {
        return isRemoved();
      },
      points: (from, limit) => pointsOf(record, from, limit),
      work: (step) => this.#workOf(record, step),
    };
  }

  async #workOf(record: RunRecord, step: number): Promise<Work[] | null> {
    if (step >= record.state.iterationsDone) return null;
    let history = this.#histories.get(record);
    if (history === undefined) {
      this.#histories.set(record, (history = new RunHistory(record.events)));
    }
    await history.catchUp();
    const options = { iteration: step, workers: [] };
    const { startedAtMs, phases, workers } = timelineOf(record, history, options);
    const times = ({ fromMs, toMs }: { fromMs: number; toMs: number }) => ({
      fromMs: startedAtMs + fromMs,
      toMs: startedAtMs + toMs,
    });
    const ofRun = phases.map((phase) => ({
      kind: phase.phase,
      ...times(phase),
      worker: null,
      job: "",
    }));
    const ofWorkers = workers.flatMap(({ workerId: id, role, spans }) =>
      spans.map((span) => ({
        kind: span.kind,
        ...times(span),
        worker: { id, role },
        job: span.job,
      })),
    );
    return [...ofRun, ...ofWorkers];
  }
}

function outcomeOf({ hasEnded, state }: RunRecord): Outcome | null {
  if (!hasEnded) return null;
  return state.status === "done" || state.status === "cancelled" ? state.status : "failed";
}

/** The iterations, and after a run's end the validation of its final weights and its report as one more step. */
function pointsOf({ state }: RunRecord, from: number, limit: number): Point[] {
  const { iterationMetrics, iterationEndsMs, iterationsDone, lastAtMs } = state;
  const points = iterationMetrics.slice(from, from + limit).map((metrics, i) => ({
    step: from + i,
    atMs: iterationEndsMs[from + i] ?? lastAtMs,
    metrics: shownMetrics(metrics),
  }));
  const isLast = state.status === "done" && from <= iterationsDone && points.length < limit;
  const final = isLast
    ? { ...validationFigures(state, iterationsDone, "validation"), ...reportFigures(state) }
    : {};
  if (Object.keys(final).length > 0) {
    points.push({ step: iterationsDone, atMs: lastAtMs, metrics: final });
  }
  return points;
}
