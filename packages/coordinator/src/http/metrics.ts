/** The cluster's state as Prometheus reads it: text format 0.0.4, https://prometheus.io/docs/instrumenting/exposition_formats. */
import { type CoordinatorStatus, type WorkerStatus } from "@gumshoe/protocol";

import { type RunState } from "../run/run-state.js";

/** What is told of a run. */
export interface RunFigures {
  readonly name: string;
  readonly iterationsTotal: number;
  readonly state: Pick<
    RunState,
    "status" | "iterationsDone" | "digests" | "validations" | "iterationMetrics"
  >;
}

/** What is told. */
export interface ClusterFigures {
  readonly workers: readonly WorkerStatus[];
  readonly runs: readonly RunFigures[];
  readonly coordinator: CoordinatorStatus;
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Gauge = [name: string, help: string, samples: Sample[]];

/** Content type of the metrics. */
export const METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8";

const MS_PER_S = 1000;

/** Returns the metrics as text. */
export function metricsText({ workers, runs, coordinator }: ClusterFigures): string {
  return [...fleetGauges(workers), ...runGauges(runs), ...coordinatorGauges(coordinator)]
    .map(([name, help, samples]) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} gauge`,
        ...samples.map(({ labels, value }) => `${name}${formatLabels(labels)} ${value}`),
        "",
      ].join("\n"),
    )
    .join("");
}

function fleetGauges(workers: readonly WorkerStatus[]): Gauge[] {
  return [
    ["gumshoe_workers", "Workers by role and state.", countWorkers(workers)],
    [
      "gumshoe_tokens_per_second",
      "Tokens sampled (inference) and trained (trainer) a second, over the last minute.",
      ["inference", "trainer"].map((role) => ({
        labels: { role },
        value: sum(workers.filter((w) => w.role === role).map((w) => w.tokensPerSecond)),
      })),
    ],
    [
      "gumshoe_job_age_seconds",
      "Age of the oldest job in hand, by role.",
      ["inference", "trainer"].map((role) => ({
        labels: { role },
        value:
          Math.max(0, ...workers.filter((w) => w.role === role).map((w) => w.jobAgeMs)) / MS_PER_S,
      })),
    ],
  ];
}

function runGauges(runs: readonly RunFigures[]): Gauge[] {
  return [
    [
      "gumshoe_run_state",
      "1 for the state that a run is in.",
      runs.map(({ name, state }) => ({ labels: { run: name, state: state.status }, value: 1 })),
    ],
    [
      "gumshoe_run_iterations_done",
      "Iterations that a run has completed.",
      runs.map((run) => of(run, run.state.iterationsDone)),
    ],
    [
      "gumshoe_run_iterations_wanted",
      "Iterations that a run's config asks for.",
      runs.map((run) => of(run, run.iterationsTotal)),
    ],
    [
      "gumshoe_run_weight_version",
      "Updates that a run's newest weights have seen.",
      runs.map((run) => of(run, Math.max(0, run.state.digests.length - 1))),
    ],
    [
      "gumshoe_run_validation_reward",
      "Mean reward of a run's last validation.",
      runs.flatMap((run) => {
        const last = run.state.validations.at(-1);
        return last === undefined || last.count === 0 ? [] : [of(run, last.reward)];
      }),
    ],
    [
      "gumshoe_run_iteration",
      "Figures of a running run's last iteration, by their name in metrics.jsonl.",
      runs
        .filter(({ state }) => state.status === "running")
        .flatMap(({ name, state }) =>
          Object.entries(state.iterationMetrics.at(-1) ?? {}).map(([figure, value]) => ({
            labels: { run: name, figure },
            value,
          })),
        ),
    ],
  ];
}

function coordinatorGauges(coordinator: CoordinatorStatus): Gauge[] {
  return [
    [
      "gumshoe_coordinator_loop_delay_seconds",
      "How long the coordinator's event loop stood still within the last minute.",
      [
        { labels: { quantile: "0.99" }, value: coordinator.loopDelayP99Ms / MS_PER_S },
        { labels: { quantile: "1" }, value: coordinator.loopDelayMaxMs / MS_PER_S },
      ],
    ],
    [
      "gumshoe_coordinator_loop_blocked_seconds",
      "The longest such time within the last minute, less its wait for a core.",
      [{ labels: {}, value: coordinator.loopBlockedMaxMs / MS_PER_S }],
    ],
    [
      "gumshoe_coordinator_loop_busy_seconds",
      "The most processor time of one turn of the event loop within the last minute.",
      [{ labels: {}, value: coordinator.loopBusyMaxMs / MS_PER_S }],
    ],
    [
      "gumshoe_coordinator_memory_bytes",
      "Memory that the coordinator holds.",
      [{ labels: {}, value: coordinator.memoryBytes }],
    ],
  ];
}

function countWorkers(workers: readonly WorkerStatus[]): Sample[] {
  const counts = new Map<string, Sample>();
  for (const { role, state } of workers) {
    const key = `${role} ${state}`;
    counts.set(key, { labels: { role, state }, value: (counts.get(key)?.value ?? 0) + 1 });
  }
  return [...counts.values()];
}

function of({ name }: RunFigures, value: number): Sample {
  return { labels: { run: name }, value };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
    return `${name}="${escaped}"`;
  });
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}
