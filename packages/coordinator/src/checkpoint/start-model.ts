import { stat } from "node:fs/promises";
import { join } from "node:path";

import { modelFileNames } from "@gumshoe/engine";
import { isBelow } from "@gumshoe/grpo";
import type { ValidationResult } from "@gumshoe/config";
import type { Checkpoint, CheckpointFileInfo } from "@gumshoe/protocol";

import { fileDigest } from "../ledger/file-digest.js";
import { bestCheckpoint } from "./checkpoints.js";
import { modelFolder } from "../plan/run-model.js";
import type { StoredRun } from "../run/run-record.js";
import type { Durable } from "../run/run-state.js";

/**
 * Returns whether the model that a run started from validated significantly better than every
 * checkpoint. Training that made little difference does not count: the trained model is kept then.
 */
export function isStartBest(record: StoredRun): boolean {
  const start = startResult(record);
  const best = bestCheckpoint(record);
  if (start === undefined || best === null) return false;
  const { validations } = record.state;
  const result = validations.find(({ iteration }) => iteration === best.iteration);
  return result !== undefined && isBelow(toMean(result), toMean(start));
}

/** Returns the weights that validated best, and their folder; null before the first validation. */
export function bestWeights(record: StoredRun): Durable | null {
  const digest = record.state.digests[0];
  if (digest !== undefined && isStartBest(record)) {
    return { iteration: 0, version: 0, digest, folder: startFolder(record) };
  }
  return bestCheckpoint(record);
}

/** Returns the folder of the model that a run started from. */
export function startFolder({ located, folder }: StoredRun): string {
  return modelFolder(located, folder);
}

/**
 * Describes the model that a run started from as its checkpoint 0; null when its files were
 * deleted.
 */
export async function startCheckpoint(record: StoredRun): Promise<Checkpoint | null> {
  const digest = record.state.digests[0];
  if (digest === undefined) return null;
  const files = await listModel(startFolder(record)).catch(() => null);
  if (files === null) return null;
  return {
    iteration: 0,
    weights: { version: 0, digest },
    files,
    latest: false,
    best: isStartBest(record),
    reward: startResult(record)?.reward,
  };
}

function startResult(record: StoredRun) {
  return record.state.validations.find(({ iteration, count }) => iteration === 0 && count > 0);
}

function toMean({ reward, low, high, count }: ValidationResult) {
  return { mean: reward, low, high, count };
}

async function listModel(folder: string): Promise<CheckpointFileInfo[]> {
  const { assets, weights } = await modelFileNames(folder);
  const files: CheckpointFileInfo[] = [];
  for (const name of [...assets, ...weights].sort()) {
    const file = join(folder, name);
    files.push({ name, bytes: (await stat(file)).size, sha256: await fileDigest(file) });
  }
  return files;
}
