import { expect, test } from "vitest";

import { type MetricsSources, Metrics } from "./metrics.js";

const WORKER = {
  workerId: "1",
  role: "inference",
  host: "a",
  pid: 1,
  device: "cpu x1",
  memoryBytes: 1,
  state: "busy",
  job: "r/1",
  jobAgeMs: 1500,
  weightVersion: 2,
  jobsDone: 3,
  ended: "",
  tokensPerSecond: 250.5,
};
const RUN = {
  name: 'a "quoted" name',
  iterationsTotal: 24,
  state: {
    status: "running" as const,
    iterationsDone: 5,
    digests: ["0", "1", "2"],
    validations: [],
    iterationMetrics: [{ loss: 3 }, { loss: 0.25 }],
  },
};

interface Family {
  readonly type: string;
  readonly help: string;
  readonly samples: Map<string, number>;
}

const LINE = /^(\w+)(?:\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\})? (\S+)$/;

/** Parses the text format 0.0.4: every line must be a comment of a family or one of its samples. */
function parse(text: string): Map<string, Family> {
  const families = new Map<string, Family>();
  let help = "";
  let family: Family | undefined;
  for (const line of text.split("\n").filter((one) => one !== "")) {
    const [, kind, name = "", rest = ""] = /^# (HELP|TYPE) (\w+) (.*)$/.exec(line) ?? [];
    if (kind === "HELP") help = rest;
    else if (kind === "TYPE")
      families.set(name, (family = { type: rest, help, samples: new Map() }));
    else {
      const [, sample, labels = "", value] = LINE.exec(line) ?? [];
      expect(sample, line).toBeDefined();
      expect(value, line).toMatch(/^([+-]?[\d.]+(e[+-]?\d+)?|[+-]Inf|NaN)$/i);
      family?.samples.set(`${sample}{${labels}}`, Number(value));
    }
  }
  return families;
}

async function scrape(
  sources: Partial<MetricsSources> = {},
  use: (metrics: Metrics) => void = () => undefined,
): Promise<(name: string, sample?: string) => number | undefined> {
  const metrics = new Metrics({ workers: () => [], runs: () => [], ...sources });
  use(metrics);
  const families = parse(await metrics.text());
  for (const [name, { type, help }] of families) {
    expect(help, name).not.toBe("");
    if (!name.startsWith("gumshoe_")) continue;
    expect(type === "counter", name).toBe(name.endsWith("_total"));
  }
  return (name, sample = `${name}{}`) => families.get(name)?.samples.get(sample);
}

test("a scrape counts the fleet by role and state", async () => {
  const workers = [
    WORKER,
    { ...WORKER, workerId: "2", tokensPerSecond: 100 },
    { ...WORKER, workerId: "3", state: "lost", jobAgeMs: 0, tokensPerSecond: 0 },
    { ...WORKER, workerId: "4", role: "reducer", state: "idle", jobAgeMs: 0, tokensPerSecond: 0 },
  ];
  const value = await scrape({ workers: () => workers }, (metrics) =>
    metrics.countLostWorker("inference"),
  );
  const of = (labels: string) => value("gumshoe_workers", `gumshoe_workers{${labels}}`);
  expect(of('role="inference",state="busy"')).toBe(2);
  expect(of('role="inference",state="lost"')).toBe(1);
  expect(of('role="reducer",state="idle"')).toBe(1);
  const speed = 'gumshoe_tokens_per_second{role="inference"}';
  expect(value("gumshoe_tokens_per_second", speed)).toBe(350.5);
  expect(value("gumshoe_job_age_seconds", 'gumshoe_job_age_seconds{role="inference"}')).toBe(1.5);
  const lost = 'gumshoe_workers_lost_total{role="inference"}';
  expect(value("gumshoe_workers_lost_total", lost)).toBe(1);
});

test("a run's gauges exist while the run exists", async () => {
  let runs = [RUN];
  const metrics = new Metrics({ workers: () => [], runs: () => runs });
  const samples = parse(await metrics.text());
  const run = 'run="a \\"quoted\\" name"';
  const of = (name: string, more = "") => samples.get(name)?.samples.get(`${name}{${run}${more}}`);
  expect(of("gumshoe_run_state", ',state="running"')).toBe(1);
  expect(of("gumshoe_run_iterations_done")).toBe(5);
  expect(of("gumshoe_run_iterations_wanted")).toBe(24);
  expect(of("gumshoe_run_weight_version")).toBe(2);
  expect(of("gumshoe_run_validation_reward")).toBeUndefined();
  expect(of("gumshoe_run_iteration", ',figure="loss"')).toBe(0.25);
  runs = [];
  const later = parse(await metrics.text());
  expect(later.get("gumshoe_run_state")?.samples.size).toBe(0);
});

test("recorded events are counted, and their durations are in histograms", async () => {
  const group = {
    type: "group-done" as const,
    groupKey: "0/train/0",
    blob: "",
    meanReward: 0,
    rewards: [0, 0],
    tokens: 30,
    workerId: "1",
    finishes: {},
    gradingMs: 50,
  };
  const value = await scrape({}, (metrics) => {
    metrics.countEvent(group);
    metrics.countEvent({ ...group, groupKey: "0/train/1", gradingMs: 5000 });
    metrics.countEvent({ ...group, groupKey: "0/validation/0", tokens: 7 });
    metrics.countEvent({ type: "iteration-done", iteration: 0, metrics: { seconds: 40 } });
  });
  const train = (name: string) => value(name, `${name}{kind="train"}`);
  expect([train("gumshoe_groups_total"), train("gumshoe_answer_tokens_total")]).toEqual([2, 60]);
  expect(value("gumshoe_groups_total", 'gumshoe_groups_total{kind="validation"}')).toBe(1);
  expect(value("gumshoe_updates_total")).toBe(0);
  const bucket = (name: string, le: string) => value(name, `${name}_bucket{le="${le}"}`);
  expect(bucket("gumshoe_group_grading_seconds", "0.1")).toBe(2);
  expect(bucket("gumshoe_group_grading_seconds", "+Inf")).toBe(3);
  expect(bucket("gumshoe_iteration_duration_seconds", "15")).toBe(0);
  expect(bucket("gumshoe_iteration_duration_seconds", "60")).toBe(1);
});

test("the process metrics have Prometheus's standard names", async () => {
  const value = await scrape();
  expect(value("process_cpu_seconds_total")).toBeGreaterThan(0);
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(0);
  expect(value("nodejs_eventloop_lag_p99_seconds")).toBeDefined();
});

test("queues and wanted workers have gauges, and a Redis that is away leaves the queues out", async () => {
  const queue = { name: "rollout", role: "inference", waiting: 7, active: 2, oldestMs: 1500 };
  const queues = () => Promise.resolve([{ ...queue, workersWanted: 9 }]);
  const workersWanted = (role: string) => (role === "inference" ? 9 : 0);
  const value = await scrape({ queues, workersWanted });
  const jobs = (state: string) =>
    value("gumshoe_queue_jobs", `gumshoe_queue_jobs{queue="rollout",state="${state}"}`);
  expect([jobs("waiting"), jobs("active")]).toEqual([7, 2]);
  const oldest = 'gumshoe_queue_oldest_seconds{queue="rollout"}';
  expect(value("gumshoe_queue_oldest_seconds", oldest)).toBe(1.5);
  const wanted = 'gumshoe_workers_wanted{role="inference"}';
  expect(value("gumshoe_workers_wanted", wanted)).toBe(9);
  const away = await scrape({ queues: () => Promise.resolve(null) });
  expect(away("gumshoe_queue_oldest_seconds", oldest)).toBeUndefined();
});
