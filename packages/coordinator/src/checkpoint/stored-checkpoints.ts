import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, InvalidArgumentError, sha256 } from "@gumshoe/core";
import type { Checkpoint, CheckpointFileInfo } from "@gumshoe/protocol";

import { CorruptRecordError, UnknownCheckpointError } from "../errors.js";
import { fileDigest } from "../ledger/file-digest.js";
import { bestCheckpoint } from "./checkpoints.js";
import { type Manifest, MANIFEST, readManifest } from "./manifest.js";
import type { StoredRun } from "../run/run-record.js";
import type { Durable } from "../run/run-state.js";
import { isStartBest, startCheckpoint, startFolder } from "./start-model.js";

/** Name of checkpoint 0, the model that the run started from. */
const START = "0";

/** Returns a run's checkpoints that are complete on disk, the newest first. */
export async function storedCheckpoints(record: StoredRun): Promise<Checkpoint[]> {
  const all = [...record.state.checkpoints].reverse();
  const found = await Promise.all(
    all.map((durable) =>
      describe(record, durable).catch((error: unknown) => {
        if (error instanceof CorruptRecordError) return null;
        throw error;
      }),
    ),
  );
  return found.filter((checkpoint) => checkpoint !== null);
}

/**
 * Finds one checkpoint.
 *
 * @param which  best, latest, or an iteration. 0 is the model that the run started from; it is also
 *   `best` when it validated significantly better than every checkpoint
 * @throws       UnknownCheckpointError, InvalidArgumentError; CorruptRecordError when it is damaged
 */
export async function findCheckpoint(
  record: StoredRun,
  which: string,
): Promise<{ checkpoint: Checkpoint; folder: string }> {
  const run = record.config.name;
  if (which === START || (which === "best" && isStartBest(record))) {
    const start = await startCheckpoint(record);
    if (start !== null) return { checkpoint: start, folder: startFolder(record) };
    if (which === START) {
      throw new UnknownCheckpointError(run, which, "is not there: its model's folder is gone");
    }
  }
  const durable = choose(record, which);
  if (durable === null) {
    const none = record.state.checkpoints.length === 0;
    const problem = none ? "is not there: nothing is written yet" : "was never written";
    throw new UnknownCheckpointError(run, which, problem);
  }
  const checkpoint = await describe(record, durable);
  if (checkpoint === null) {
    const problem = `is gone: iteration ${durable.iteration} is not kept any more`;
    throw new UnknownCheckpointError(run, which, problem);
  }
  return {
    checkpoint: { ...checkpoint, insteadOf: replacedBest(record, which, durable) },
    folder: durable.folder,
  };
}

/**
 * Returns the iteration that validated best when its checkpoint was deleted and another replaces
 * it.
 */
function replacedBest(record: StoredRun, which: string, taken: Durable): number | undefined {
  if (which !== "best") return undefined;
  if (isStartBest(record)) return 0;
  const best = bestCheckpoint(record);
  return best === null || best === taken ? undefined : best.iteration;
}

function choose(record: StoredRun, which: string): Durable | null {
  const { checkpoints } = record.state;
  const latest = checkpoints.at(-1) ?? null;
  if (which === "latest") return latest;
  if (which === "best") {
    const isThere = ({ folder }: Durable) => existsSync(folder);
    return bestCheckpoint(record, existsSync) ?? checkpoints.findLast(isThere) ?? latest;
  }
  if (!/^\d{1,9}$/.test(which)) {
    const problem = `${JSON.stringify(which)} is not best, latest or an iteration`;
    throw new InvalidArgumentError("checkpoint", problem);
  }
  return checkpoints.find(({ iteration }) => iteration === Number(which)) ?? null;
}

/** @returns null when the checkpoint is not on disk @throws CorruptRecordError */
async function describe(record: StoredRun, durable: Durable): Promise<Checkpoint | null> {
  const { iteration, version, digest, folder } = durable;
  const { checkpoints, validations } = record.state;
  const files = await listFiles(folder, digest);
  if (files === null) return null;
  return {
    iteration,
    weights: { version, digest },
    files,
    latest: durable === checkpoints.at(-1),
    best: durable === bestCheckpoint(record) && !isStartBest(record),
    reward: validations.find((validation) => validation.iteration === iteration)?.reward,
  };
}

async function listFiles(folder: string, digest: string): Promise<CheckpointFileInfo[] | null> {
  const found = await readManifest(folder);
  if (found === null) return null;
  const { manifest, bytes } = found;
  if (manifest.digest !== digest) {
    const problem = `names weights ${manifest.digest}, the ledger says ${digest}`;
    throw new CorruptRecordError(join(folder, MANIFEST), problem);
  }
  const files: CheckpointFileInfo[] = [
    { name: MANIFEST, bytes: bytes.byteLength, sha256: sha256(bytes) },
  ];
  for (const [name, size] of Object.entries(manifest.files)) {
    files.push({ name, bytes: size, sha256: await checkedDigest(manifest, folder, name) });
  }
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws CorruptRecordError when the file is missing or has another size */
async function checkedDigest(manifest: Manifest, folder: string, name: string): Promise<string> {
  const file = join(folder, name);
  const size = manifest.files[name];
  const found = await stat(file).catch((cause: unknown) => {
    throw new CorruptRecordError(file, `cannot be read: ${errorMessage(cause)}`, cause);
  });
  if (found.size !== size) {
    throw new CorruptRecordError(file, `has ${found.size} bytes, the manifest says ${size}`);
  }
  return manifest.sha256?.[name] ?? fileDigest(file);
}
