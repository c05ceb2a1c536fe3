/** The monitors of a real coordinator whose run is killed, with an MLflow that is away until the end. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { SubmitGroupRequest } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

import { FakeCluster, until } from "../support/fake-cluster.js";
import { MlflowServer } from "../support/mlflow-server.js";
import { type CollectedSpan, OtlpCollector } from "../support/otlp-collector.js";
import { freePort } from "../support/redis-server.js";

// Three coordinators start one after the other.
vi.setConfig({ testTimeout: 90_000 });

const STUB = join(import.meta.dirname, "stub");

type Line = Record<string, number>;

let cluster: FakeCluster;
let mlflowPort: number;
/** Workers hand in the groups of two iterations, and the others once this is resolved. */
let release: () => void = () => undefined;
const held = new Promise<void>((resolve) => (release = resolve));
const mlflow = new MlflowServer();
const collector = new OtlpCollector();
let collectorUrl: string;
const env = () => ({
  GUMSHOE_MONITORS: "tensorboard, mlflow, opentelemetry, wandb",
  OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
  OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20secret",
  OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
  MLFLOW_TRACKING_URI: `http://127.0.0.1:${mlflowPort}/`,
  WANDB_PROJECT: "deduction",
  PYTHONPATH: STUB,
  RUNS: join(cluster.home, "wandb-server"),
});
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.endCoordinator("SIGTERM");
  mkdirSync(join(cluster.home, "wandb-server"));
  mlflowPort = await freePort();
  collector.refusals = 1;
  collector.partialSuccess = { rejectedSpans: "2", errorMessage: "too old" };
  collectorUrl = await collector.start();
  await cluster.startCoordinator(env());
  const group = async (one: SubmitGroupRequest) => {
    if (cluster.eventsOf("iteration-done").length >= 2) await held;
    return one;
  };
  await cluster.addWorkers({ group });
});
afterAll(async () => {
  mlflow.stop();
  collector.stop();
  await cluster.close();
});

const folder = (...names: string[]) => join(cluster.runFolder("small"), ...names);
const jsonLines = (file: string) =>
  readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const nextOf = (monitor: string) => {
  const file = folder("monitors", `${monitor}.json`);
  return existsSync(file) ? jsonLines(file)[0]?.["next"] : undefined;
};
/** The recorded metrics, by step; the final validation is a step of its own. */
function recorded(): Map<number, Line> {
  const steps = new Map<number, Line>();
  for (const { iteration = 0, endedAtMs: _at, ...metrics } of jsonLines(folder("metrics.jsonl"))) {
    const entries = Object.entries(metrics);
    const isFinal = (name: string) => name.startsWith("finalValidation");
    const final = entries.filter(([name]) => isFinal(name));
    steps.set(iteration, Object.fromEntries(entries.filter(([name]) => !isFinal(name))));
    if (final.length === 0) continue;
    const named = final.map(([name, value]) => [name.replace("finalV", "v"), value] as const);
    steps.set(iteration + 1, Object.fromEntries(named));
  }
  return steps;
}

test("monitors get every iteration once, though one is away and the coordinator is killed", async () => {
  const name = await cluster.submit({ iterations: 6 });
  await until("two iterations are sent", () =>
    ["tensorboard", "wandb"].every((monitor) => nextOf(monitor) === 2),
  );
  await cluster.endCoordinator("SIGKILL");
  await cluster.startCoordinator(env());
  release();
  const result = await cluster.result(name);
  expect(result.iterations).toBe(6);
  expect(cluster.log).toContain("monitor mlflow: fetch failed");
  await cluster.endCoordinator("SIGTERM");

  // The run has ended, and this coordinator sends the rest of it.
  await mlflow.start(mlflowPort);
  await cluster.startCoordinator(env());
  await until("MLflow has the run's end", () => mlflow.runs[0]?.status === "FINISHED");
  const expected = recorded();
  expect([...expected.keys()]).toEqual([0, 1, 2, 3, 4, 5, 6]);

  const [run, ...others] = mlflow.runs;
  expect(others).toEqual([]);
  const bySteps = new Map<number, Line>();
  for (const { key, step, value } of run?.metrics.values() ?? []) {
    bySteps.set(step, { ...bySteps.get(step), [key]: value });
  }
  expect(bySteps).toEqual(expected);
  const count = [...expected.values()].reduce((sum, one) => sum + Object.keys(one).length, 0);
  expect(run?.metrics.size).toBe(count);
  expect(run?.params.get("optimizer.lr")).toBe("0.01");
});

test("the Python client is resumed under the same id, and has every step once", async () => {
  const [file = "", ...others] = readdirSync(join(cluster.home, "wandb-server"));
  expect(others).toEqual([]);
  await until("it has ended", () =>
    readFileSync(join(cluster.home, "wandb-server", file), "utf8").includes('"code": 0'),
  );
  const lines = jsonLines(join(cluster.home, "wandb-server", file));
  expect(lines[0]).toMatchObject({ project: "deduction", config: "small", resume: "allow" });
  const points = lines.filter((line) => "step" in line) as unknown as {
    step: number;
    metrics: Line;
  }[];
  const expected = recorded();
  expect(points.map(({ step }) => step)).toEqual([...expected.keys()]);
  for (const { step, metrics } of points) expect(metrics).toMatchObject(expected.get(step) ?? {});
});

test("a collector has a trace of every iteration, once", async () => {
  const attribute = ({ attributes }: CollectedSpan, key: string) => {
    const value = attributes.find((one) => one.key === key)?.value ?? {};
    return Object.values(value)[0];
  };
  const named = (name: string) => [...spans.values()].filter((span) => span.name === name);
  let spans = collector.spans;
  await until("it has the run's end", () => {
    spans = collector.spans;
    return named("run").length > 0;
  });
  expect(collector.headers["authorization"]).toBe("Bearer secret");
  expect(cluster.log).toContain("monitor opentelemetry: it answered 503");
  const rejected = cluster.log.split("\n").find((line) => line.includes("rejected spans")) ?? "{}";
  expect(JSON.parse(rejected)).toMatchObject({ run: "small", rejected: 2, reason: "too old" });
  expect(named("run")).toHaveLength(1);
  const roots = named("iteration");
  expect(roots.map((root) => attribute(root, "gumshoe.iteration"))).toEqual([
    ...["0", "1", "2", "3", "4", "5"],
  ]);
  expect(new Set(roots.map(({ traceId }) => traceId)).size).toBe(6);
  const expected = recorded();
  for (const root of roots) {
    const iteration = Number(attribute(root, "gumshoe.iteration"));
    expect(attribute(root, "gumshoe.meanReward")).toBe(expected.get(iteration)?.["meanReward"]);
    const inTrace = [...spans.values()].filter(({ traceId }) => traceId === root.traceId);
    for (const span of inTrace) {
      if (span === root) continue;
      expect(inTrace.map(({ spanId }) => spanId)).toContain(span.parentSpanId);
      expect(BigInt(span.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(span.startTimeUnixNano));
    }

    const names = inTrace.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["sampling", "learning"]));
  }
});

test("TensorBoard has a file for each coordinator that wrote, named after its first step", () => {
  const names = readdirSync(folder("tensorboard")).sort();
  expect(names).toHaveLength(2);
  expect(names[0]).toMatch(/^events\.out\.tfevents\.\d{10}\.gumshoe\.\d+\.0$/);
  expect(names[1]).toMatch(/\.2$/);
});
