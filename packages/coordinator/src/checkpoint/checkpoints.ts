import { existsSync } from "node:fs";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";

import {
  type ClusterError,
  diskError,
  DiskFullError,
  errorMessage,
  diskRoom,
  hashJson,
  type Logger,
  syncFolder,
  writeDurably,
} from "@gumshoe/core";
import {
  BYTES_PER_FLOAT,
  FLOAT_NAMES,
  type FloatFormat,
  type ParameterLayout,
  safetensorsHeader,
} from "@gumshoe/engine";
import { MOMENTS_FILE } from "@gumshoe/protocol";

import { ExactnessError } from "../errors.js";
import type { DurableSource, ReducerPlan } from "../fleet/reducer-plan.js";
import { makeSubfolder } from "../ledger/subfolder.js";
import { fileDigest } from "../ledger/file-digest.js";
import { checkpointTexts, checkpointWeights } from "./model-files.js";
import { referenceOf } from "./reference.js";
import { type Manifest, MANIFEST, momentsFile, readManifest } from "./manifest.js";
import { resumePoints } from "./resume-points.js";
import { listRecoveryPoints } from "./stored-recovery-points.js";
import { newestUsable } from "../plan/staleness.js";
import type { RunModel } from "../plan/run-model.js";
import type { RunRecord, StoredRun } from "../run/run-record.js";
import { type Durable, newestWeights, type Weights } from "../run/run-state.js";

const F32_BYTES = 4;

/**
 * Writes and finds a run's checkpoints: folders that Transformers loads unchanged, or of an adapter PEFT,
 * with the optimizer's state and a manifest beside the model.
 *
 * - A checkpoint is made in a temporary folder and renamed when all of it is synced.
 * - The coordinator makes the files with their headers, the reducers write their ranges into them.
 * - Weights that are stored in less than float32 are in the optimizer's file in full, so that a run goes on
 *   from the same bits.
 */
export class Checkpoints {
  readonly #record: RunRecord;
  readonly #model: RunModel;
  readonly #logger: Logger;
  readonly #folder: string;
  readonly #discarded = new Set<string>();

  constructor(record: RunRecord, model: RunModel, logger: Logger) {
    this.#record = record;
    this.#model = model;
    this.#logger = logger;
    this.#folder = join(record.folder, "checkpoints");
  }

  /** Excludes a checkpoint whose weights turned out to differ from the digest in the ledger. */
  discard(folder: string): void {
    this.#discarded.add(folder);
  }

  /**
   * Returns the newest complete weights on disk up to a version: a checkpoint, a recovery point, or the first
   * model.
   */
  async newest(maxVersion: number): Promise<DurableSource> {
    const points = await listRecoveryPoints(this.#record);
    const stored = [...points, ...this.#record.state.checkpoints];
    const all = stored.filter(({ version }) => version <= maxVersion);
    for (const checkpoint of all.sort((a, b) => b.version - a.version)) {
      const { folder, version } = checkpoint;
      if (!(await this.isUsable(checkpoint)) || !(await this.#hasReference(checkpoint))) continue;
      return { folder, version, withOptimizer: true };
    }
    return { folder: this.#model.folder, version: 0, withOptimizer: false };
  }

  /** Returns whether weights are complete on disk, and were not excluded. */
  async isUsable(durable: Durable): Promise<boolean> {
    const { folder } = durable;
    if (!existsSync(folder) || this.#discarded.has(folder)) return false;
    const problem = await this.#problemOf(durable);
    if (problem === null) return true;
    this.#logger.warn({ checkpoint: folder }, `checkpoint is skipped: ${problem}`);
    return false;
  }

  /** Returns the checkpoint that was written before an iteration; null if there was none. */
  ofIteration(iteration: number): Durable | null {
    const { checkpoints } = this.#record.state;
    return checkpoints.find((checkpoint) => checkpoint.iteration === iteration) ?? null;
  }

  /** Returns whether updates from these weights on have their reference, which may be these weights. */
  async #hasReference({ version }: Durable): Promise<boolean> {
    const { config, state } = this.#record;
    const iteration = state.updateIterations[version] ?? state.iterationsDone;
    const reference = referenceOf(config, state, iteration);
    if (reference === null || reference.iteration === 0) return true;
    if (reference.weights.version === version) return true;
    const durable = this.ofIteration(reference.iteration);
    return durable !== null && (await this.isUsable(durable));
  }

  /**
   * Writes a checkpoint of the newest weights after an iteration, and deletes those that retention
   * drops.
   */
  async write(plan: ReducerPlan, iteration: number): Promise<void> {
    const weights = newestWeights(this.#record.state);
    if (weights === null) return;
    const fromMs = this.#record.nowMs;
    const folder = join(this.#folder, String(iteration));
    await this.#replace(folder, { plan, iteration, weights });
    const { version, digest } = weights;
    const toMs = this.#record.nowMs;
    const work = plan.workerIds.map((workerId) => ({
      kind: "checkpoint" as const,
      workerId,
      fromMs,
      toMs,
    }));
    await this.#record.append({
      type: "checkpoint-written",
      iteration,
      version,
      folder,
      digest,
      work,
    });
    await this.#dropOld(iteration);
  }

  /** Writes the reducers' weights in place of a damaged checkpoint of them. */
  async restore(plan: ReducerPlan, { folder, iteration, version, digest }: Durable): Promise<void> {
    await this.#replace(folder, { plan, iteration, weights: { version, digest } });
    this.#discarded.delete(folder);
  }

  async #replace(
    folder: string,
    of: { plan: ReducerPlan; iteration: number; weights: Weights },
  ): Promise<void> {
    const temporary = `${folder}.tmp`;
    await rm(temporary, { recursive: true, force: true });
    await makeSubfolder(this.#folder);
    await makeSubfolder(temporary);
    try {
      await this.fill(temporary, folder, { ...of, format: this.#format });
    } catch (error) {
      await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
      throw this.#diskError(error) ?? error;
    }
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder);
    await syncFolder(this.#folder);
  }

  /**
   * Writes weights and optimizer state with all that belongs to them into an empty folder, and syncs
   * it.
   *
   * @param folder     the folder's later path, for errors
   * @param of.format  how the weights are stored
   * @throws           ExactnessError when the reducers hold other weights
   */
  async fill(
    temporary: string,
    folder: string,
    of: { plan: ReducerPlan; iteration: number; weights: Weights; format: FloatFormat },
  ): Promise<void> {
    const { plan, iteration, weights, format } = of;
    const written = await this.#writeTensors(plan, temporary, of);
    if (written !== weights.digest) {
      throw new ExactnessError(`checkpoint ${folder} holds ${written}, not ${weights.digest}`);
    }
    for (const [name, text] of Object.entries(checkpointTexts(this.#model, format))) {
      await writeDurably(join(temporary, name), text);
    }
    await writeDurably(
      join(temporary, MANIFEST),
      `${JSON.stringify(await this.#manifest(temporary, iteration, weights), null, 2)}\n`,
    );
    await syncFolder(temporary);
  }

  /** Translates a disk error, and adds the space that a whole checkpoint needs. */
  #diskError(error: unknown): ClusterError | null {
    const { folder } = this.#record;
    const neededBytes = this.bytesOf(this.#format);
    const found = diskError(error, folder, neededBytes);
    if (found?.details["disk"] !== "full") return found;
    return new DiskFullError(folder, { ...diskRoom(folder), neededBytes }, error);
  }

  /** Bytes of weights and optimizer state on disk. */
  bytesOf(format: FloatFormat): number {
    return bytesPerParameter(format) * this.#model.layout.numParameters;
  }

  /** How the weights of this run's checkpoints are stored. */
  get #format(): FloatFormat {
    const { dtype } = this.#record.config.checkpoint;
    const formats = Object.keys(FLOAT_NAMES) as FloatFormat[];
    return formats.find((format) => FLOAT_NAMES[format] === dtype) ?? this.#model.format;
  }

  async #writeTensors(
    plan: ReducerPlan,
    folder: string,
    { weights: { version }, format }: { weights: Weights; format: FloatFormat },
  ): Promise<string> {
    const { layout } = this.#model;
    const { name: weightsName, header: weightsHeader } = checkpointWeights(this.#model, format);
    const weights = join(folder, weightsName);
    await prepareFile(weights, weightsHeader, layout.numParameters * BYTES_PER_FLOAT[format]);
    const names = ["exp_avg", "exp_avg_sq", ...(format === "F32" ? [] : ["master"])];
    const bytes = layout.numParameters * F32_BYTES;
    const optimizerHeader = safetensorsHeader(vectorsLayout(layout, names));
    const optimizer = join(folder, MOMENTS_FILE);
    await prepareFile(optimizer, optimizerHeader, names.length * bytes);
    const vector = (name: string) => ({
      name: this.#inHome(optimizer),
      dataOffset: optimizerHeader.length + names.indexOf(name) * bytes,
      dtype: "F32",
    });
    return plan.writeCheckpoint({
      version,
      weights: { name: this.#inHome(weights), dataOffset: weightsHeader.length, dtype: format },
      expAvg: vector("exp_avg"),
      expAvgSq: vector("exp_avg_sq"),
      master: format === "F32" ? undefined : vector("master"),
    });
  }

  /**
   * Returns a file's path relative to the home, for reducers: their mount point of it may differ.
   */
  #inHome(path: string): string {
    const inRun = relative(this.#record.folder, path).split(sep);
    return ["runs", this.#record.config.name, ...inRun].join("/");
  }

  async #manifest(folder: string, iteration: number, weights: Weights): Promise<Manifest> {
    const files: Record<string, number> = {};
    const digests: Record<string, string> = {};
    for (const name of (await readdir(folder)).sort()) {
      files[name] = (await stat(join(folder, name))).size;
      digests[name] = await fileDigest(join(folder, name));
    }
    return {
      iteration,
      update: weights.version,
      digest: weights.digest,
      configHash: hashJson(this.#record.config),
      files,
      optimizer: digests[MOMENTS_FILE] ?? "",
      sha256: digests,
    };
  }

  async #problemOf({ folder, digest }: Durable): Promise<string | null> {
    try {
      const found = await readManifest(folder);
      if (found === null) return "it is gone";
      const { manifest } = found;
      if (manifest.digest !== digest) return "its manifest names other weights";
      for (const [name, size] of Object.entries(manifest.files)) {
        if ((await stat(join(folder, name))).size !== size) return `${name} has another size`;
      }
      const moments = momentsFile(manifest);
      const optimizer = await fileDigest(join(folder, moments));
      if (optimizer !== manifest.optimizer) return `the bytes of ${moments} have changed`;
      return null;
    } catch (error) {
      return errorMessage(error);
    }
  }

  /**
   * Keeps the newest checkpoints, the one that validated best, those that sampling goes on from, and the
   * references of the iterations from there to the next one; deletes the others.
   */
  async #dropOld(iterationsDone: number): Promise<void> {
    const { state, config } = this.#record;
    const { keepLatest, keepBest } = config.checkpoint;
    const keep = new Set(state.checkpoints.slice(-keepLatest).map(({ folder }) => folder));
    if (keepBest) {
      const best = bestCheckpoint(this.#record, existsSync);
      if (best !== null) keep.add(best.folder);
    }
    const existing = state.checkpoints.filter(({ folder }) => existsSync(folder));
    const resumed = resumePoints(existing, newestUsable(config, state));
    for (const { folder } of resumed) keep.add(folder);
    const from = Math.min(iterationsDone - 1, ...resumed.map(({ iteration }) => iteration));
    for (let iteration = from; iteration <= iterationsDone; iteration++) {
      const reference = referenceOf(config, state, iteration);
      const durable = reference === null ? null : this.ofIteration(reference.iteration);
      if (durable !== null) keep.add(durable.folder);
    }
    for (const { folder } of state.checkpoints) {
      if (!keep.has(folder)) await rm(folder, { recursive: true, force: true });
    }
  }
}

/**
 * Returns the checkpoint whose iteration validated best; null if no checkpoint was validated.
 *
 * @param isCandidate  which checkpoints are considered; default: all that were written
 */
export function bestCheckpoint(
  record: StoredRun,
  isCandidate: (folder: string) => boolean = () => true,
): Durable | null {
  const { checkpoints, validations } = record.state;
  let best: { durable: Durable; reward: number } | null = null;
  for (const durable of checkpoints) {
    const result = validations.find(({ iteration }) => iteration === durable.iteration);
    if (result === undefined || result.count === 0 || !isCandidate(durable.folder)) continue;
    if (best === null || result.reward >= best.reward) best = { durable, reward: result.reward };
  }
  return best?.durable ?? null;
}

/** Bytes of a checkpoint for one parameter: weights, two moments, and masters where weights are stored in less. */
function bytesPerParameter(format: FloatFormat): number {
  return BYTES_PER_FLOAT[format] + (format === "F32" ? 2 : 3) * F32_BYTES;
}

/** Vectors of the model's length, one after the other. */
function vectorsLayout(layout: ParameterLayout, names: readonly string[]): ParameterLayout {
  const n = layout.numParameters;
  const entries = names.map((name, i) => ({ name, shape: [n], start: i * n, end: (i + 1) * n }));
  return { ...layout, entries, numParameters: names.length * n };
}

async function prepareFile(file: string, header: Uint8Array, dataBytes: number): Promise<void> {
  const handle = await open(file, "w");
  try {
    await handle.writeFile(header);
    await handle.truncate(header.length + dataBytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
