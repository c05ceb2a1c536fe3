/**
 * Each phase of a run combined with each fault of its dependencies: the run waits, reports the
 * reason, continues, and ends with the same weights.
 *
 * A subset covers each phase and each fault; GUMSHOE_FAULT_TABLE=full runs the whole table.
 */
import { fromRunEvent } from "@gumshoe/protocol";
import { afterAll, beforeAll, expect, test } from "vitest";

import { FakeCluster, until } from "../support/fake-cluster.js";
import { FakeInference, FakeReducer, FakeTrainer } from "../support/fake-workers.js";
import {
  type Fault,
  type FaultName,
  FAULTS,
  mountSmallDisk,
  unmountSmallDisk,
} from "../support/faults.js";

const PHASES = ["start", "sampling", "learning", "checkpoint", "validation"] as const;
type Phase = (typeof PHASES)[number];

const COVERING: readonly (readonly [Phase, FaultName])[] = [
  ["start", "Redis paused"],
  ["start", "disk full"],
  ["sampling", "disk full"],
  ["sampling", "Redis out of memory"],
  ["learning", "Redis paused"],
  ["learning", "folder away"],
  ["checkpoint", "disk full"],
  ["checkpoint", "Redis read-only"],
  ["validation", "Redis killed"],
];
const ALL = PHASES.flatMap(
  (phase) => (Object.keys(FAULTS) as FaultName[]).map((fault) => [phase, fault] as const),
  // Without a run's folder, a starting coordinator does not know the run.
).filter(([phase, fault]) => phase !== "start" || fault !== "folder away");
const TABLE = process.env["GUMSHOE_FAULT_TABLE"] === "full" ? ALL : COVERING;

let cluster: FakeCluster;
let digest: string;
let hasSmallDisk = false;
/** Action to take once, when a phase is reached. */
let trigger: { readonly phase: Phase; readonly act: () => Promise<void> } | null = null;

beforeAll(async () => {
  cluster = await FakeCluster.start();
  hasSmallDisk = mountSmallDisk(cluster);
  await cluster.add(new FakeInference(cluster.workers, "inference", { group: onGroup }));
  await cluster.add(new FakeTrainer(cluster.workers, "trainer", { lane: onLane }));
  const hooks = { checkpoint: () => reach("checkpoint") };
  await cluster.add(new FakeReducer(cluster.workers, "reducer", hooks));
  digest = (await cluster.run({ name: "plain" })).weightsDigest;
});
afterAll(async () => {
  unmountSmallDisk(cluster);
  await cluster.close();
});

async function reach(phase: Phase): Promise<void> {
  if (trigger?.phase !== phase) return;
  const { act } = trigger;
  trigger = null;
  await act();
}

async function onGroup<G extends { groupKey: string }>(group: G): Promise<G> {
  if (group.groupKey.includes("/validation/")) await reach("validation");
  else if (group.groupKey === "1/train/1") await reach("sampling");
  else if (group.groupKey === "0/train/2") await reach("start");
  return group;
}

async function onLane<L extends { update: number }>(lane: L): Promise<L> {
  if (lane.update === 1) await reach("learning");
  return lane;
}

/**
 * Watches a run for a note about what it waits for; returns functions to query and end the watch.
 */
function watch(name: string, note: RegExp): { sees: () => boolean; end: () => void } {
  const stop = new AbortController();
  let seen = false;
  const follow = async () => {
    const request = { name, fromEvent: 0, gatherMs: 0 };
    for await (const event of cluster.users.watchRun(request, { signal: stop.signal })) {
      const body = fromRunEvent(event)?.body;
      if (body?.type === "progress" && body.phase === "waiting") {
        seen ||= note.test(body.note ?? "");
      }
    }
  };
  void follow().catch(() => undefined);
  return { sees: () => seen, end: () => stop.abort() };
}

/**
 * Begins a fault while the coordinator is down; returns the start of the next one, which must wait.
 */
async function beginBeforeStart(fault: Fault, name: string): Promise<() => Promise<void>> {
  await cluster.endCoordinator("SIGKILL");
  await fault.begin(cluster, name);
  return async () => {
    const before = cluster.log.length;
    const started = cluster.startCoordinator();
    await until("the coordinator waits", () => {
      const said = cluster.log.slice(before);
      return /waiting for Redis|the run waits: /.test(said) && fault.note.test(said);
    });
    await fault.end(cluster, name);
    await started;
  };
}

/** Begins a fault during a run; returns a wait until the run reports what it waits for. */
async function beginUnderRun(fault: Fault, name: string): Promise<() => Promise<void>> {
  const watched = watch(name, fault.note);
  await fault.begin(cluster, name);
  return async () => {
    await until("the run says what it waits for", watched.sees);
    watched.end();
    expect((await cluster.users.getRun({ name })).waitingFor).toMatch(fault.note);
    await fault.end(cluster, name);
  };
}

test.each(TABLE)("%s: %s", { timeout: 90_000 }, async (phase, faultName) => {
  if (faultName === "disk full" && !hasSmallDisk) {
    console.warn(`SKIPPED ${phase}: ${faultName}: only root can mount a small disk`);
    return;
  }
  const fault = FAULTS[faultName];
  const name = `${phase}-${faultName.toLowerCase().replaceAll(" ", "-")}`;
  const begin = phase === "start" ? beginBeforeStart : beginUnderRun;
  const reached = new Promise<() => Promise<void>>((resolve, reject) => {
    // The worker's submission after this meets the fault.
    const act = () => begin(fault, name).then(resolve, reject);
    trigger = { phase, act };
  });
  await cluster.submit({ name });
  const overcome = await reached;
  await overcome();
  expect((await cluster.result(name)).weightsDigest).toBe(digest);
  expect(cluster.eventsOf("run-failed", name)).toEqual([]);
});

test("a run submitted while the disk is full is rejected, and accepted once there is space", async () => {
  if (!hasSmallDisk) {
    console.warn("SKIPPED a submission on a full disk: only root can mount a small disk");
    return;
  }
  const fault: Fault = FAULTS["disk full"];
  await fault.begin(cluster, "late");
  await expect(cluster.submit({ name: "late" })).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
    message: expect.stringMatching(fault.note) as string,
  });
  await fault.end(cluster, "late");
  expect((await cluster.run({ name: "late" })).weightsDigest).toBe(digest);
});
