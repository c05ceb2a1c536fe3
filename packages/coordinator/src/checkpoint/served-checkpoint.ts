import { HubInputs } from "../submission/hub-inputs.js";
import { readStoredRun } from "../run/run-record.js";
import { findCheckpoint } from "./stored-checkpoints.js";

/** A checkpoint as a model that can be loaded. */
export interface ServedCheckpoint {
  readonly iteration: number;
  /** SHA-256 of the weights that were trained. */
  readonly digest: string;
  /** Mean reward of its validation; null without one. */
  readonly reward: number | null;
  /** The model; of a run with `lora`, the model that it trains an adapter of. */
  readonly folder: string;
  /** The adapter of a run with `lora`; null for others. */
  readonly adapter: string | null;
}

/**
 * Finds a checkpoint in the files of a run, whether its coordinator runs or not. Nothing is written.
 *
 * @param runFolder  of the run, with its ledger
 * @param which      best, latest, or an iteration
 * @param hubCache   folder of the hub's models on this machine
 * @throws           UnknownCheckpointError, InvalidArgumentError, CorruptRecordError, BrokenLedgerError
 */
export async function findServedCheckpoint(
  runFolder: string,
  which: string,
  hubCache: string,
): Promise<ServedCheckpoint> {
  const hub = new HubInputs(hubCache);
  const run = await readStoredRun(runFolder, (config) => hub.locate(config));
  const { checkpoint, folder } = await findCheckpoint(run, which);
  const { iteration, weights, reward = null } = checkpoint;
  const isAdapter = run.config.lora !== null;
  return {
    iteration,
    digest: weights?.digest ?? "",
    reward,
    folder: isAdapter ? run.located.model : folder,
    adapter: isAdapter ? folder : null,
  };
}
