/**
 * The monitors read back by the programs that they are for: TensorBoard's reader, MLflow's server, and the
 * clients of Weights & Biases (offline) and Trackio, and OpenTelemetry's messages. Each test needs its package of
 * Python.
 */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger, systemClock } from "@gumshoe/core";
import {
  Feeds,
  type Outcome,
  type Point,
  type Work,
  openMonitors,
  readMonitors,
} from "@gumshoe/monitors";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { until } from "../support/fake-cluster.js";
import { hasPackage, MONITOR_PYTHON, runPython } from "../support/monitor-python.js";
import { OtlpCollector } from "../support/otlp-collector.js";
import { freePort } from "../support/redis-server.js";

// Python imports these packages in seconds, and MLflow's server starts in up to a minute under load.
vi.setConfig({ testTimeout: 180_000 });

const STARTED_AT_MS = 1_790_000_000_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-monitor-"));
  mkdirSync(join(folder, "case"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

/** A run whose iteration i has the reward i / 8 and a metric of the environment. */
class ScriptedRun {
  readonly name = "case";
  readonly config = { name: "case", optimizer: { lr: 0.5 }, tags: ["a", "b"] };
  readonly submittedAtMs = STARTED_AT_MS;
  readonly isRemoved = false;
  outcome: Outcome | null = null;
  count = 0;

  get folder(): string {
    return join(folder, "case");
  }

  points(from: number, limit: number): Point[] {
    const steps = Array.from({ length: this.count }, (_, step) => step).slice(from, from + limit);
    return steps.map((step) => ({
      step,
      atMs: STARTED_AT_MS + step * 1000,
      metrics: { meanReward: step / 8, "graded.right": step },
    }));
  }

  work(step: number): Promise<Work[]> {
    const [fromMs, toMs] = [STARTED_AT_MS + step * 1000 - 900, STARTED_AT_MS + step * 1000];
    const worker = { id: "a", role: "inference" };
    return Promise.resolve([
      { kind: "sampling", fromMs, toMs, worker: null, job: "" },
      { kind: "sampling", fromMs, toMs, worker, job: `${step}/train/0` },
    ]);
  }
}

/** Sends a run in two parts, by two coordinators of which the first one does not stop in order. */
async function sendInTwoParts(env: Record<string, string>): Promise<void> {
  const run = new ScriptedRun();
  let log = "";
  const begin = () => {
    const settings = readMonitors({
      ...process.env,
      GUMSHOE_MONITOR_PYTHON: MONITOR_PYTHON,
      ...env,
    });
    const logger = createLogger("test", "info", { write: (line) => void (log += line) });
    const feeds = new Feeds({
      monitors: openMonitors(settings, { clock: systemClock, logger }),
      runs: () => [run],
      clock: systemClock,
      logger,
    });
    feeds.start();
    return feeds;
  };
  const position = () =>
    runPython<{ next: number; hasEnded: boolean }>(
      "import glob; print(open(glob.glob('case/monitors/*.json')[0]).read())",
      [],
      { cwd: folder },
    );
  run.count = 5;
  const first = begin();
  await vi.waitFor(() => expect(position().next).toBe(5), { timeout: 100_000, interval: 500 });
  await first.stop();
  Object.assign(run, { count: 9, outcome: "done" });
  const second = begin();
  await vi.waitFor(() => expect(position()).toMatchObject({ next: 9, hasEnded: true }), {
    timeout: 100_000,
    interval: 500,
  });
  await second.stop();
  expect(log).toBe("");
}

const REWARDS = Array.from({ length: 9 }, (_, step) => [step, step / 8]);

test.skipIf(!hasPackage("tensorboard"))("TensorBoard reads every step once", async () => {
  await sendInTwoParts({ GUMSHOE_MONITORS: "tensorboard" });
  const program = `
import json
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
read = EventAccumulator("case/tensorboard").Reload()
scalars = {tag: [[e.step, e.value, e.wall_time] for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}
print(json.dumps(scalars))`;
  const read = runPython<Record<string, number[][]>>(program, [], { cwd: folder });
  expect(Object.keys(read).sort()).toEqual(["graded.right", "meanReward"]);
  const seconds = (step: number) => STARTED_AT_MS / 1000 + step;
  expect(read["meanReward"]).toEqual(
    REWARDS.map(([step = 0, value]) => [step, value, seconds(step)]),
  );
});

test.skipIf(!hasPackage("mlflow"))("MLflow's server has every step once", async () => {
  const port = await freePort();
  const words = ["-m", "mlflow", "server", "--port", String(port), "--workers", "1"];
  const places = ["--backend-store-uri", `sqlite:///${folder}/mlflow.db`];
  const server = spawn(MONITOR_PYTHON, [...words, ...places], {
    cwd: folder,
    stdio: "ignore",
    detached: true,
  });
  const url = `http://127.0.0.1:${port}`;
  try {
    const isUp = () => fetch(`${url}/health`).then(({ ok }) => ok);
    await vi.waitFor(async () => expect(await isUp()).toBe(true), { timeout: 150_000 });
    await sendInTwoParts({ GUMSHOE_MONITORS: "mlflow", MLFLOW_TRACKING_URI: url });
    const program = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
[run] = client.search_runs([client.get_experiment_by_name("gumshoe").experiment_id])
history = client.get_metric_history(run.info.run_id, "meanReward")
print(json.dumps([[[m.step, m.value] for m in history], run.info.status, run.info.run_name, run.data.params]))`;
    expect(runPython(program, [url], { cwd: folder })).toEqual([
      REWARDS,
      "FINISHED",
      "case",
      { name: "case", "optimizer.lr": "0.5", tags: '["a","b"]' },
    ]);
  } finally {
    if (server.pid !== undefined) process.kill(-server.pid, "SIGKILL");
  }
});

test.skipIf(!hasPackage("wandb"))("wandb has every step once, offline", async () => {
  await sendInTwoParts({
    GUMSHOE_MONITORS: "wandb",
    WANDB_MODE: "offline",
    WANDB_SILENT: "true",
  });
  const program = readFileSync(join(import.meta.dirname, "read-wandb.py"), "utf8");
  const ended = () => {
    const [runs, steps] = runPython<[string[][], number[][]]>(program, ["case/monitors"], {
      cwd: folder,
    });
    expect(runs).toHaveLength(1);
    expect(runs[0]?.slice(1)).toEqual(["case", "gumshoe"]);
    const seconds = (step: number) => STARTED_AT_MS / 1000 + step;
    expect(steps).toEqual(REWARDS.map(([step = 0, value]) => [step, value, seconds(step)]));
  };
  // Its processes end by themselves.
  await vi.waitFor(ended, { timeout: 60_000, interval: 1000 });
});

test.skipIf(!hasPackage("trackio"))("Trackio has every step once", async () => {
  const env = { TRACKIO_DIR: join(folder, "trackio") };
  await sendInTwoParts({ GUMSHOE_MONITORS: "trackio", ...env });
  const program = `
import json
from trackio.sqlite_storage import SQLiteStorage
logs = SQLiteStorage.get_logs("gumshoe", "case")
print(json.dumps([[log["step"], log["meanReward"]] for log in logs]))`;
  await until(
    "Trackio has them",
    () => runPython<unknown[]>(program, [], { cwd: folder, env }).length >= REWARDS.length,
  );
  expect(runPython(program, [], { cwd: folder, env })).toEqual(REWARDS);
});

test.skipIf(!hasPackage("opentelemetry"))("traces are messages of OpenTelemetry", async () => {
  const collector = new OtlpCollector();
  const url = await collector.start();
  try {
    await sendInTwoParts({
      GUMSHOE_MONITORS: "opentelemetry",
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_RESOURCE_ATTRIBUTES: "host.name=a",
    });
  } finally {
    collector.stop();
  }
  writeFileSync(join(folder, "bodies.json"), JSON.stringify(collector.bodies));
  // An unknown field, or a value of another type, is an error of the parser.
  const program = `
import json
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
names = []
for body in json.load(open("bodies.json")):
    request = json_format.Parse(body, ExportTraceServiceRequest())
    [resource] = request.resource_spans
    assert [a.key for a in resource.resource.attributes] == ["service.name", "host.name"]
    names += [span.name for scope in resource.scope_spans for span in scope.spans]
print(json.dumps(names))`;
  const names = runPython<string[]>(program, [], { cwd: folder });
  const each = Array.from({ length: 9 }, () => ["iteration", "sampling", "sample"]);
  expect(names).toEqual([...each.flat(), "run"]);
});
