import { createReadStream } from "node:fs";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

import type { CheckpointPath } from "@gumshoe/api";

import { findCheckpoint } from "../checkpoint/stored-checkpoints.js";
import { UnknownCheckpointError } from "../errors.js";
import type { RunRecord } from "../run/run-record.js";

/** Sends a file of a checkpoint. @throws UnknownCheckpointError; CorruptRecordError when it is damaged */
export async function sendCheckpointFile(
  record: RunRecord,
  { iteration, file: name }: CheckpointPath,
  response: ServerResponse,
): Promise<void> {
  const { checkpoint, folder } = await findCheckpoint(record, String(iteration));
  // Only names in the manifest are files of a checkpoint: a path is none of them.
  const file = checkpoint.files.find((one) => one.name === name);
  if (file === undefined) {
    throw new UnknownCheckpointError(record.config.name, String(iteration), `has no file ${name}`);
  }
  response.writeHead(200, {
    "content-type": "application/octet-stream",
    "content-length": file.bytes,
    "content-disposition": `attachment; filename="${file.name.replace(/[^\w.-]/g, "_")}"`,
    "cache-control": "no-store",
  });
  // A caller that goes away ends the transfer; that is no fault.
  await pipeline(createReadStream(join(folder, name)), response).catch(() => response.destroy());
}
