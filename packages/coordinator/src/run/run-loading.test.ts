/** Loading of runs from the home at the start, and requests during it. */
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { RunConfig } from "@gumshoe/config";
import { type RunEventBody, RunState } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster } from "../../../../test/support/fake-cluster.js";
import { formatLine, writableEvent } from "../ledger/ledger-line.js";

let cluster: FakeCluster;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
  await cluster.run({ name: "good", iterations: 1 });
});
afterAll(() => cluster.close());

const ledgerOf = (name: string) => join(cluster.runFolder(name), "ledger/events.jsonl");
const configOf = (name: string) => RunConfig.parse(JSON.parse(cluster.config({ name })));

function writeLedger(name: string, bodies: readonly RunEventBody[]): void {
  mkdirSync(join(cluster.runFolder(name), "ledger"), { recursive: true });
  const lines = bodies.map((body, i) => formatLine(i + 1, 1000 + i, writableEvent(body)));
  writeFileSync(ledgerOf(name), lines.join(""));
}

const submitted = (name: string): RunEventBody => ({
  type: "run-submitted",
  config: configOf(name),
});
const started: RunEventBody = { type: "run-started", weights: { version: 0, digest: "d" } };

/** Runs that cannot be opened: how to make their folders, and the reason that is reported. */
const UNREADABLE: Record<string, { make: (name: string) => void; reason: string }> = {
  "flipped-byte": {
    make: (name) => {
      writeLedger(name, [submitted(name), started, { type: "run-cancelled" }]);
      const bytes = readFileSync(ledgerOf(name));
      bytes[40] = (bytes[40] as number) ^ 1;
      writeFileSync(ledgerOf(name), bytes);
    },
    reason: "line 1 is broken: its checksum is wrong",
  },
  "older-version": {
    make: (name) => writeLedger(name, [{ type: "run-submitted", config: { type: "ppo" } }]),
    reason: "its config is of another version of Gumshoe",
  },
  headless: {
    make: (name) => writeLedger(name, [started]),
    reason: "its ledger begins with run-started, not run-submitted",
  },
  copied: {
    make: (name) => cpSync(cluster.runFolder("good"), cluster.runFolder(name), { recursive: true }),
    reason: "its ledger is that of run good",
  },
  "lost-ledger": {
    make: (name) => {
      mkdirSync(join(cluster.runFolder(name), "checkpoints/1"), { recursive: true });
    },
    reason: "it has checkpoints and no ledger",
  },
  "folder-for-a-ledger": {
    make: (name) => mkdirSync(ledgerOf(name), { recursive: true }),
    reason: "ledger/events.jsonl is no file",
  },
  "file-for-a-folder": {
    make: (name) => writeFileSync(cluster.runFolder(name), "a file of a user"),
    reason: "it is no folder",
  },
};

test("a run that cannot be opened keeps its name, reports the reason, and is not written to", async () => {
  await cluster.endCoordinator("SIGTERM");
  for (const [name, { make }] of Object.entries(UNREADABLE)) make(name);
  mkdirSync(join(cluster.home, "runs", "lost+found"));
  writeFileSync(join(cluster.home, "runs", "notes.txt"), "a file of a user");
  const before = new Map(Object.keys(UNREADABLE).map((name) => [name, contentOf(name)]));
  await cluster.startCoordinator();
  const { runs } = await cluster.users.listRuns({});
  expect(runs.map(({ name }) => name).sort()).toEqual([...Object.keys(UNREADABLE), "good"].sort());
  for (const [name, { reason }] of Object.entries(UNREADABLE)) {
    const run = await cluster.users.getRun({ name });
    expect(run.state).toBe(RunState.FAILED);
    expect(run.error).toContain(`unreadable: run ${name} cannot be opened: `);
    expect(run.error).toContain(reason);
    for (const seed of [5, 6]) {
      await expect(cluster.submit({ name, seed })).rejects.toMatchObject({
        code: "FAILED_PRECONDITION",
        message: expect.stringContaining(
          `mend ${cluster.runFolder(name)} or move it away`,
        ) as string,
      });
    }
    expect(contentOf(name)).toEqual(before.get(name));
  }
  expect((await cluster.users.getRun({ name: "good" })).state).toBe(RunState.DONE);
});

test("moving away a run's folder frees its name without a restart", async () => {
  rmSync(cluster.runFolder("headless"), { recursive: true });
  await cluster.run({ name: "headless", iterations: 1 });
  expect(cluster.eventsOf("run-done", "headless")).toHaveLength(1);
});

test("a repaired run folder is served as the same run again", async () => {
  const name = "copied";
  rmSync(cluster.runFolder(name), { recursive: true });
  writeLedger(name, [submitted(name), { type: "run-cancelled" }]);
  await expect(cluster.submit({ name, seed: 6 })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  await cluster.submit({ name });
  expect((await cluster.result(name)).iterations).toBe(3);
});

test("during the start no run is reported as unknown, and none is mistaken for a new one", async () => {
  await cluster.endCoordinator("SIGTERM");
  const names = Array.from({ length: 200 }, (_, i) => `old-${i}`);
  const progress = Array.from({ length: 40 }, (): RunEventBody => started);
  for (const name of names) {
    writeLedger(name, [submitted(name), ...progress, { type: "run-cancelled" }]);
  }
  const name = names.at(-1) ?? "";
  let ready = false;
  const answers = new Set<string>();
  const ask = async (call: () => Promise<unknown>) => {
    while (!ready) {
      const answer = await call().then(
        () => "an answer",
        (error: unknown) => (error as { code: string }).code,
      );
      answers.add(answer);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const asking = Promise.all([
    ask(() => cluster.users.getRun({ name }, { deadlineMs: 2000 })),
    ask(() => cluster.users.submitRun({ config: cluster.config({ name, seed: 6 }) })),
  ]);
  await cluster.startCoordinator();
  ready = true;
  await asking;
  for (const answer of answers) {
    expect(["UNAVAILABLE", "DEADLINE_EXCEEDED", "an answer", "ALREADY_EXISTS"]).toContain(answer);
  }
  await expect(cluster.submit({ name, seed: 6 })).rejects.toMatchObject({ code: "ALREADY_EXISTS" });
  expect(cluster.events(name)).toHaveLength(42);
});

test("the home is accessible to its owner only, also one that was created readable for all", async () => {
  await cluster.endCoordinator("SIGTERM");
  chmodSync(cluster.home, 0o755);
  await cluster.startCoordinator();
  expect(statSync(cluster.home).mode & 0o777).toBe(0o700);
});

test("a Redis that evicts keys gives one warning in the log, and each log line is JSON", async () => {
  await cluster.endCoordinator("SIGTERM");
  await cluster.link.commands.config("SET", "maxmemory-policy", "allkeys-lru");
  const before = cluster.log.length;
  await cluster.startCoordinator();
  await cluster.link.commands.config("SET", "maxmemory-policy", "noeviction");
  const lines = cluster.log.slice(before).trimEnd().split("\n");
  const said = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(said.filter(({ policy }) => policy !== undefined)).toMatchObject([
    {
      level: 40,
      redis: `127.0.0.1:${cluster.redis.port}`,
      policy: "allkeys-lru",
      msg: expect.stringContaining("set maxmemory-policy noeviction") as string,
    },
  ]);
  expect(cluster.log).not.toContain(cluster.redis.password);
});

/** The contents of the files in a run's folder, without lock files. */
function contentOf(name: string): unknown {
  const folder = cluster.runFolder(name);
  const file = statSync(folder).isFile() ? folder : ledgerOf(name);
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats?.isFile() === true ? readFileSync(file, "utf8") : (stats?.mtimeMs ?? null);
}
