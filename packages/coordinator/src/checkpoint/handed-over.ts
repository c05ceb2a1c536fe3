import type { StoredRun } from "../run/run-record.js";
import { type Durable, newestWeights } from "../run/run-state.js";
import { bestWeights } from "./start-model.js";

/**
 * Returns the weights that a run ends with: those that validated best where its stop rule rolls back, else the
 * newest. Which they are is a function of the ledger, once the final validation is in it.
 */
export function handedOver(record: StoredRun): Durable {
  const { config, state } = record;
  const best = config.stopWhen?.action === "rollback" ? bestWeights(record) : null;
  if (best !== null) return best;
  const { version, digest } = newestWeights(state) ?? { version: 0, digest: "" };
  const folder = state.checkpoints.at(-1)?.folder ?? "";
  return { iteration: state.iterationsDone, version, digest, folder };
}

/** Returns whether a run has a report that is not in its ledger yet. */
export function isReportDue({ config, state }: StoredRun): boolean {
  return config.report !== undefined && state.report === null;
}
