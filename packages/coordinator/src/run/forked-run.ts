/**
 * Forks a run: makes a new run that shares the first iterations of another one and continues from its
 * checkpoint with another config.
 *
 * - The new ledger has the events of these iterations, so its metrics, groups and weight digests are those of the
 *   other run. With the same config it ends with the same weights.
 * - Files are hard links where the disk allows it: the runs share no folder, and each can be removed.
 * - The folder is made under a temporary name and renamed when all of it is synced: a run is forked whole or not at
 *   all.
 */
import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

import { syncFolder, TimeSlice, writeDurably } from "@gumshoe/core";
import type { RunConfig } from "@gumshoe/config";
import {
  parseGroupKey,
  REMOVED_PREFIX,
  type RunEventBody,
  type RunInputs,
  type WatchedEvent,
} from "@gumshoe/protocol";

import { CorruptRecordError } from "../errors.js";
import { rolloutFile } from "../sample/rollout-files.js";
import { formatLine, writableEvent } from "../ledger/ledger-line.js";
import { sampledIteration } from "./iteration-sums.js";
import type { RunRecord } from "./run-record.js";
import type { Durable } from "./run-state.js";

/** Events that describe the processes of a run, or its beginnings and ends, and not its training. */
const NOT_COPIED: readonly RunEventBody["type"][] = [
  "run-submitted",
  "run-forked",
  "inputs-recorded",
  "run-resumed",
  "run-paused",
  "run-prioritized",
  "worker-lost",
  "worker-ended",
  "checkpoint-written",
  "run-done",
  "run-failed",
  "run-stuck",
  "run-cancelled",
  "progress",
];

/** Where a fork begins. */
export interface ForkPoint {
  readonly source: RunRecord;
  /** The checkpoint that it continues from. */
  readonly checkpoint: Durable;
  /** The checkpoint that is its reference, if that is another one; null for none. */
  readonly reference: Durable | null;
}

/**
 * Writes the folder of a fork.
 *
 * @param folder            of the new run; must not exist, or be empty
 * @param options.mayWrite  awaited before the run comes into being
 * @throws                  CorruptRecordError when a file of the other run is gone; the system's error when the disk is full
 */
export async function writeFork(
  folder: string,
  point: ForkPoint,
  options: {
    config: RunConfig;
    inputs: RunInputs;
    nowMs: number;
    mayWrite: () => Promise<void>;
  },
): Promise<void> {
  const temporary = join(
    dirname(folder),
    `${REMOVED_PREFIX}${basename(folder)}-fork-${randomUUID().slice(0, 8)}`,
  );
  try {
    const events = forkedEvents(folder, point, options);
    await linkFiles(temporary, point, events);
    const { config } = options;
    await writeDurably(join(temporary, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
    await mkdir(join(temporary, "ledger"));
    await writeDurably(join(temporary, "ledger", "events.jsonl"), await ledgerText(events));
    await syncFolder(temporary);
    await options.mayWrite();
    await rename(temporary, folder);
    await syncFolder(dirname(folder));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    throw error;
  }
}

/** Returns the events of the new ledger. */
function forkedEvents(
  folder: string,
  { source, checkpoint, reference }: ForkPoint,
  { config, inputs, nowMs }: { config: RunConfig; inputs: RunInputs; nowMs: number },
): WatchedEvent[] {
  const { iteration } = checkpoint;
  const bodies: [atMs: number, body: RunEventBody][] = [];
  bodies.push([nowMs, { type: "run-submitted", config, inputs }]);
  // The time until the fork is no time of work, so its checkpoints are as old as the shared events.
  let lastAtMs = nowMs;
  for (const { atMs, body } of sharedEvents(source, iteration)) {
    if (NOT_COPIED.includes(body.type)) continue;
    bodies.push([atMs, body]);
    lastAtMs = atMs;
  }
  for (const durable of reference === null ? [checkpoint] : [reference, checkpoint]) {
    const moved = { ...durable, folder: checkpointFolder(folder, durable) };
    bodies.push([lastAtMs, { type: "checkpoint-written", ...moved }]);
  }
  const run = source.config.name;
  bodies.push([nowMs, { type: "run-forked", run, iteration, digest: checkpoint.digest }]);
  return bodies.map(([atMs, body], index) => ({ number: index + 1, atMs, body }));
}

/** Formats events as a ledger, yielding to the event loop: a long run has hundreds of thousands. */
async function ledgerText(events: readonly WatchedEvent[]): Promise<string> {
  const slice = new TimeSlice();
  const lines: string[] = [];
  for (const { number, atMs, body } of events) {
    lines.push(formatLine(number, atMs, writableEvent(body)));
    await slice.yieldWhenOver();
  }
  return lines.join("");
}

/** Yields the events of a run until an iteration was the next one, but for those of iterations sampled ahead. */
function* sharedEvents(source: RunRecord, iteration: number): Generator<WatchedEvent> {
  for (let number = 1; ; number++) {
    const event = source.events.at(number);
    if (event === undefined) return;
    const { body } = event;
    if ((sampledIteration(body) ?? 0) < iteration) yield event;
    if (body.type === "iteration-done" && body.iteration + 1 === iteration) return;
  }
}

async function linkFiles(
  folder: string,
  { source, checkpoint, reference }: ForkPoint,
  events: readonly WatchedEvent[],
): Promise<void> {
  await mkdir(join(folder, "blobs"), { recursive: true });
  await mkdir(join(folder, "checkpoints"));
  await mkdir(join(folder, "rollouts"));
  for (const durable of reference === null ? [checkpoint] : [checkpoint, reference]) {
    await linkFolder(durable.folder, checkpointFolder(folder, durable));
  }
  const answers = new Set<string>();
  for (const { body } of events) {
    if (body.type !== "group-done") continue;
    await linkNeeded(join(source.folder, "blobs", body.blob), join(folder, "blobs", body.blob));
    const { kind, iteration } = parseGroupKey(body.groupKey);
    answers.add(rolloutFile("", kind, iteration));
  }
  // Users may have deleted files of answers: the run does not read them.
  for (const file of answers) {
    await linkFile(join(source.folder, file), join(folder, file));
  }
  for (const name of ["blobs", "checkpoints", "rollouts"]) await syncFolder(join(folder, name));
}

function checkpointFolder(folder: string, { iteration }: Durable): string {
  return join(folder, "checkpoints", String(iteration));
}

async function linkFolder(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const copy = entry.isDirectory() ? linkFolder : linkNeeded;
    await copy(join(from, entry.name), join(to, entry.name));
  }
  await syncFolder(to);
}

/** @throws CorruptRecordError when the file is gone */
async function linkNeeded(from: string, to: string): Promise<void> {
  if (await linkFile(from, to)) return;
  throw new CorruptRecordError(from, "it is gone, so the run cannot be forked");
}

/** Links a file; copies it where a link is impossible, as between two disks. Returns false if there is none. */
async function linkFile(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (code === "EEXIST") return true;
    if (code !== "EXDEV" && code !== "EPERM" && code !== "EMLINK") throw error;
    await copyFile(from, to);
    return true;
  }
}
