/** Finds where a fork begins, and refuses a config that cannot continue from there. */
import { existsSync } from "node:fs";

import { configDifferences, type RunConfig } from "@gumshoe/config";
import { hashJson, InvalidArgumentError } from "@gumshoe/core";
import type { RunInputs } from "@gumshoe/protocol";

import { referenceOf } from "../checkpoint/reference.js";
import { findCheckpoint } from "../checkpoint/stored-checkpoints.js";
import { NameTakenError, UnknownCheckpointError } from "../errors.js";
import type { ForkPoint } from "../run/forked-run.js";
import type { RunRecord } from "../run/run-record.js";
import type { Durable } from "../run/run-state.js";
import { checkSameInputs } from "./run-identity.js";

/** A run to be forked, and one of its checkpoints: best, latest, or an iteration. */
export interface ForkOf {
  readonly run: string;
  readonly checkpoint: string;
}

/**
 * Finds the point at which a run is forked.
 *
 * @throws UnknownCheckpointError; InvalidArgumentError naming a field that may not differ
 */
export async function findForkPoint(
  source: RunRecord,
  which: string,
  config: RunConfig,
): Promise<ForkPoint> {
  const { checkpoint: found } = await findCheckpoint(source, which);
  const { iteration } = found;
  if (iteration === 0) {
    const problem = "is the model that the run starts from: submit the config as a new run instead";
    throw new UnknownCheckpointError(source.config.name, which, problem);
  }
  const checkpoint = checkpointOf(source, iteration);
  if (checkpoint === null) throw new Error(`checkpoint ${iteration} was found, and is not there`);
  checkFields(source.config, config, iteration);
  return { source, checkpoint, reference: findReference(source, config, iteration) };
}

/**
 * Checks that the model of the new run is still the one that the forked run started from.
 *
 * @throws InputChangedError
 */
export function checkSameModel(config: RunConfig, { source }: ForkPoint, inputs: RunInputs): void {
  const before = source.state.inputs;
  if (before !== null) checkSameInputs(config, { ...before, sources: [] }, inputs);
}

/**
 * Checks that a run of the wanted name is that fork, so that a repeated call finds it.
 *
 * @throws NameTakenError
 */
export function checkSameFork({ config, state }: RunRecord, { run, checkpoint }: ForkOf): void {
  const { forkedFrom } = state;
  const isNumber = /^\d+$/.test(checkpoint);
  const isSame =
    forkedFrom?.run === run && (!isNumber || forkedFrom.iterations === Number(checkpoint));
  if (!isSame) throw new NameTakenError(config.name, `it is no fork of ${run}@${checkpoint}`);
}

/** Fields that decide what the weights are; those below them, too. */
const FIXED = ["type", "model", "init", "lora"];
/** Fields that decide the first weights of a run that makes them. */
const FIXED_FIRST_WEIGHTS = ["seed"];

/** @throws InvalidArgumentError */
function checkFields(before: RunConfig, config: RunConfig, iteration: number): void {
  const makesWeights =
    config.lora !== null || (config.type === "sft" && config.init.type === "new");
  const fixed = makesWeights ? [...FIXED, ...FIXED_FIRST_WEIGHTS] : FIXED;
  for (const { field } of configDifferences([before, config])) {
    const name = fixed.find((one) => field === one || field.startsWith(`${one}.`));
    if (name === undefined) continue;
    const problem = `differs from that of ${before.name}: a fork continues with the same weights`;
    throw new InvalidArgumentError(field, problem);
  }
  if (config.iterations <= iteration) {
    const problem = `is ${config.iterations}, but the fork begins after ${iteration} iterations; set more`;
    throw new InvalidArgumentError("iterations", problem);
  }
  checkCurriculum(before, config);
}

/** A curriculum decides by the tiers of earlier iterations, which a run without it does not have. */
function checkCurriculum(before: RunConfig, config: RunConfig): void {
  if (before.type !== "grpo" || config.type !== "grpo" || config.tasks.curriculum === null) return;
  const parts = ({ tasks }: typeof config) => [tasks.curriculum?.tiers, tasks.perIteration];
  if (hashJson(parts(before)) === hashJson(parts(config))) return;
  const problem = `needs the tiers and tasks.perIteration of ${before.name}: it decides by its iterations`;
  throw new InvalidArgumentError("tasks.curriculum", problem);
}

/** Returns the checkpoint that is the reference of the first iteration; null if none is needed. */
function findReference(source: RunRecord, config: RunConfig, iteration: number): Durable | null {
  const { state } = source;
  const end = state.updateIterations.findIndex((one) => one >= iteration);
  const shared = {
    digests: state.digests,
    updateIterations: end < 0 ? state.updateIterations : state.updateIterations.slice(0, end),
  };
  const reference = referenceOf(config, shared, iteration);
  if (reference === null || [0, iteration].includes(reference.iteration)) return null;
  const durable = checkpointOf(source, reference.iteration);
  if (durable !== null && existsSync(durable.folder)) return durable;
  const problem =
    `makes the weights after iteration ${reference.iteration} the reference, ` +
    `and ${source.config.name} has no checkpoint of them`;
  throw new InvalidArgumentError("reference.refreshEvery", problem);
}

function checkpointOf({ state }: RunRecord, iteration: number): Durable | null {
  return state.checkpoints.find((one) => one.iteration === iteration) ?? null;
}
