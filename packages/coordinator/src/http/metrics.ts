import type { Queue } from "@gumshoe/api";
import {
  parseGroupKey,
  type RunEventBody,
  WORKER_ROLES,
  type WorkerRole,
  type WorkerStatus,
} from "@gumshoe/protocol";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

import type { RunState } from "../run/run-state.js";
import { shownMetrics } from "../run/shown-metrics.js";

/** The figures that are exported for a run. */
export interface RunFigures {
  readonly name: string;
  readonly iterationsTotal: number;
  readonly state: Pick<
    RunState,
    "status" | "iterationsDone" | "digests" | "validations" | "iterationMetrics"
  >;
}

/** Callbacks from which the gauges read their values on each scrape. */
export interface MetricsSources {
  readonly workers: () => readonly WorkerStatus[];
  readonly runs: () => readonly RunFigures[];
  /** Null while Redis is away; default: there are none. */
  readonly queues?: () => Promise<readonly Queue[] | null>;
  /** Workers of a role that could work now; default: none. */
  readonly workersWanted?: (role: WorkerRole) => number;
}

const MS_PER_S = 1000;
const SPEED_ROLES = ["inference", "trainer"];
const GRADING_SECONDS = [0.001, 0.01, 0.1, 1, 10, 60, 300];
const ITERATION_SECONDS = [1, 5, 15, 60, 300, 900, 3600, 14_400];

/** The coordinator's metrics for Prometheus; docs/operations.md lists them. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #workersLost: Counter<"role">;
  readonly #groups: Counter<"kind">;
  readonly #answerTokens: Counter<"kind">;
  readonly #updates: Counter;
  readonly #grading: Histogram;
  readonly #iterations: Histogram;

  constructor({ workers, runs, queues, workersWanted }: MetricsSources) {
    const registers = [this.#registry];
    collectDefaultMetrics({ register: this.#registry });
    addFleetGauges(this.#registry, workers);
    addQueueGauges(this.#registry, queues ?? (() => Promise.resolve(null)));
    addWantedGauge(this.#registry, workersWanted ?? (() => 0));
    addRunGauges(this.#registry, runs);
    this.#workersLost = new Counter({
      name: "gumshoe_workers_lost_total",
      help: "Workers whose heartbeats stopped.",
      labelNames: ["role"],
      registers,
    });
    this.#groups = new Counter({
      name: "gumshoe_groups_total",
      help: "Groups of answers that were recorded, by kind: train, validation or report.",
      labelNames: ["kind"],
      registers,
    });
    this.#answerTokens = new Counter({
      name: "gumshoe_answer_tokens_total",
      help: "Tokens of the answers in these groups.",
      labelNames: ["kind"],
      registers,
    });
    this.#updates = new Counter({
      name: "gumshoe_updates_total",
      help: "Optimizer steps that were recorded.",
      registers,
    });
    this.#grading = new Histogram({
      name: "gumshoe_group_grading_seconds",
      help: "Time that a worker spent on grading a group.",
      buckets: GRADING_SECONDS,
      registers,
    });
    this.#iterations = new Histogram({
      name: "gumshoe_iteration_duration_seconds",
      help: "Time of an iteration: sampling, learning, checkpoint.",
      buckets: ITERATION_SECONDS,
      registers,
    });
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** Returns all metrics in Prometheus's text format. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Counts an event that was recorded in a run's ledger. */
  countEvent(body: RunEventBody): void {
    if (body.type === "group-done") {
      const { kind } = parseGroupKey(body.groupKey);
      this.#groups.inc({ kind });
      this.#answerTokens.inc({ kind }, body.tokens);
      this.#grading.observe((body.gradingMs ?? 0) / MS_PER_S);
    } else if (body.type === "update-done") {
      this.#updates.inc();
    } else if (body.type === "iteration-done") {
      this.#iterations.observe(body.metrics["seconds"] ?? 0);
    }
  }

  /** Counts a worker that was lost. */
  countLostWorker(role: string): void {
    this.#workersLost.inc({ role });
  }
}

function addFleetGauges(registry: Registry, workersNow: MetricsSources["workers"]): void {
  const registers = [registry];
  new Gauge({
    name: "gumshoe_workers",
    help: "Workers by role and state.",
    labelNames: ["role", "state"],
    registers,
    collect() {
      this.reset();
      for (const { role, state } of workersNow()) this.inc({ role, state });
    },
  });
  new Gauge({
    name: "gumshoe_tokens_per_second",
    help: "Tokens sampled (inference) and trained (trainer) a second, over the last minute.",
    labelNames: ["role"],
    registers,
    collect() {
      for (const role of SPEED_ROLES) {
        const speeds = ofRole(workersNow(), role).map(({ tokensPerSecond }) => tokensPerSecond);
        this.set(
          { role },
          speeds.reduce((sum, speed) => sum + speed, 0),
        );
      }
    },
  });
  new Gauge({
    name: "gumshoe_job_age_seconds",
    help: "Age of the oldest running job, by role.",
    labelNames: ["role"],
    registers,
    collect() {
      for (const role of SPEED_ROLES) {
        const ages = ofRole(workersNow(), role).map(({ jobAgeMs }) => jobAgeMs / MS_PER_S);
        this.set({ role }, Math.max(0, ...ages));
      }
    },
  });
}

/** Adds the gauges of the queues; while Redis is away they have no values. */
function addQueueGauges(
  registry: Registry,
  queuesNow: () => Promise<readonly Queue[] | null>,
): void {
  const registers = [registry];
  new Gauge({
    name: "gumshoe_queue_jobs",
    help: "Jobs of a queue by state: waiting or active.",
    labelNames: ["queue", "state"],
    registers,
    async collect() {
      const queues = await queuesNow();
      this.reset();
      for (const { name: queue, waiting, active } of queues ?? []) {
        this.set({ queue, state: "waiting" }, waiting);
        this.set({ queue, state: "active" }, active);
      }
    },
  });
  new Gauge({
    name: "gumshoe_queue_oldest_seconds",
    help: "Age of the waiting job that is taken next; 0 when none waits.",
    labelNames: ["queue"],
    registers,
    async collect() {
      const queues = await queuesNow();
      this.reset();
      for (const { name: queue, oldestMs } of queues ?? []) {
        this.set({ queue }, (oldestMs ?? 0) / MS_PER_S);
      }
    },
  });
}

/**
 * Adds the gauge for autoscalers: the open jobs of the running run. A queue's length falls to 0 in every
 * phase that does not use it, and so does this: scale down later than after the longest iteration.
 */
function addWantedGauge(registry: Registry, wanted: (role: WorkerRole) => number): void {
  new Gauge({
    name: "gumshoe_workers_wanted",
    help: "Workers of a role that could work now; 0 without a running run.",
    labelNames: ["role"],
    registers: [registry],
    collect() {
      for (const role of WORKER_ROLES) this.set({ role }, wanted(role));
    },
  });
}

function ofRole(workers: readonly WorkerStatus[], role: string): readonly WorkerStatus[] {
  return workers.filter((worker) => worker.role === role);
}

/** Adds the gauges of runs; a removed run loses its series. */
function addRunGauges(registry: Registry, runsNow: MetricsSources["runs"]): void {
  const add = (
    name: string,
    help: string,
    values: (run: RunFigures) => readonly { labels?: Record<string, string>; value: number }[],
    labelNames: readonly string[] = [],
  ) =>
    new Gauge({
      name,
      help,
      labelNames: ["run", ...labelNames],
      registers: [registry],
      collect() {
        this.reset();
        for (const run of runsNow()) {
          for (const { labels, value } of values(run))
            this.set({ run: run.name, ...labels }, value);
        }
      },
    });
  add(
    "gumshoe_run_state",
    "1 for the state that a run is in.",
    ({ state }) => [{ labels: { state: state.status }, value: 1 }],
    ["state"],
  );
  add("gumshoe_run_iterations_done", "Iterations that a run has completed.", ({ state }) => [
    { value: state.iterationsDone },
  ]);
  add("gumshoe_run_iterations_wanted", "Iterations that a run's config asks for.", (run) => [
    { value: run.iterationsTotal },
  ]);
  add("gumshoe_run_weight_version", "Number of updates in a run's newest weights.", ({ state }) => [
    { value: Math.max(0, state.digests.length - 1) },
  ]);
  add("gumshoe_run_validation_reward", "Mean reward of a run's last validation.", ({ state }) => {
    const last = state.validations.at(-1);
    return last === undefined || last.count === 0 ? [] : [{ value: last.reward }];
  });
  add(
    "gumshoe_run_iteration",
    "Metrics of a running run's last iteration, by their names in metrics.jsonl.",
    ({ state }) =>
      state.status !== "running"
        ? []
        : Object.entries(shownMetrics(state.iterationMetrics.at(-1) ?? {})).map(
            ([figure, value]) => ({
              labels: { figure },
              value,
            }),
          ),
    ["figure"],
  );
}
