import type { RunConfig } from "@gumshoe/config";
import { diskError } from "@gumshoe/core";
import type { RunInputs } from "@gumshoe/protocol";

import { CorruptRecordError } from "../errors.js";
import { type ForkPoint, writeFork } from "./forked-run.js";
import { type RecordContext, RunRecord } from "./run-record.js";

/**
 * Creates the record of a run.
 *
 * @param content.point  where it begins, if it is a fork; null for a run that starts from its model
 * @throws               CorruptRecordError when the folder holds a run already; DiskFullError
 */
export async function newRecord(
  folder: string,
  content: { config: RunConfig; inputs: RunInputs; point: ForkPoint | null },
  context: RecordContext,
): Promise<RunRecord> {
  const { point } = content;
  try {
    if (point === null) return await RunRecord.create(folder, content, context);
    const { clock, mayWrite } = context;
    await writeFork(folder, point, { ...content, nowMs: clock.now(), mayWrite });
  } catch (error) {
    throw diskError(error, folder) ?? error;
  }
  const record = await RunRecord.open(folder, context);
  if (record === null) throw new CorruptRecordError(folder, "its ledger is gone");
  return record;
}
