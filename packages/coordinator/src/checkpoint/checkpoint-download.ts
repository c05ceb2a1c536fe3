import { existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, InvalidArgumentError } from "@gumshoe/core";
import {
  CheckpointChunk,
  type CheckpointFileInfo,
  type DownloadCheckpointRequest,
  EARLIER_MOMENTS_FILE,
  MOMENTS_FILE,
} from "@gumshoe/protocol";

import { CorruptRecordError, UnknownCheckpointError } from "../errors.js";
import type { RunRecord } from "../run/run-record.js";
import { findCheckpoint } from "./stored-checkpoints.js";

/** Bytes of one message: below gRPC's default receive limit of 4 MiB. */
const CHUNK_BYTES = 1024 * 1024;

interface OpenFile {
  readonly info: CheckpointFileInfo;
  readonly handle: FileHandle;
}

/**
 * Streams a checkpoint's files: first the list of files, then their bytes in order, starting at
 * `fromByte`. All files are opened before the first byte is sent, so that dropping the checkpoint
 * meanwhile does not abort the download.
 *
 * @throws UnknownCheckpointError, InvalidArgumentError; CorruptRecordError when it is damaged
 */
export async function* downloadCheckpoint(
  record: RunRecord,
  request: DownloadCheckpointRequest,
): AsyncGenerator<CheckpointChunk> {
  const { folder, checkpoint } = await findCheckpoint(record, request.checkpoint);
  const isMoments = (name: string) => name === MOMENTS_FILE || name === EARLIER_MOMENTS_FILE;
  const infos = checkpoint.files.filter(({ name }) => request.withOptimizer || !isMoments(name));
  const totalBytes = infos.reduce((total, { bytes }) => total + bytes, 0);
  if (request.fromByte > totalBytes) {
    throw new InvalidArgumentError("from_byte", `is beyond the end at ${totalBytes} bytes`);
  }
  const files = await openAll(folder, infos).catch((cause: unknown) => {
    if (existsSync(folder)) throw new CorruptRecordError(folder, errorMessage(cause), cause);
    const problem = `is gone: iteration ${checkpoint.iteration} was deleted just now`;
    throw new UnknownCheckpointError(record.config.name, request.checkpoint, problem);
  });
  try {
    yield CheckpointChunk.create({ checkpoint: { ...checkpoint, files: infos } });
    let skipBytes = request.fromByte;
    for (const file of files) {
      const start = Math.min(skipBytes, file.info.bytes);
      skipBytes -= start;
      yield* readChunks(file, start);
    }
  } finally {
    await Promise.all(files.map(({ handle }) => handle.close()));
  }
}

async function openAll(folder: string, infos: readonly CheckpointFileInfo[]): Promise<OpenFile[]> {
  const files: OpenFile[] = [];
  try {
    for (const info of infos) {
      files.push({ info, handle: await open(join(folder, info.name), "r") });
    }
    return files;
  } catch (error) {
    await Promise.all(files.map(({ handle }) => handle.close()));
    throw error;
  }
}

async function* readChunks(
  { info, handle }: OpenFile,
  start: number,
): AsyncGenerator<CheckpointChunk> {
  for (let offset = start; offset < info.bytes;) {
    // A new buffer for each chunk: grpc-js may not have sent the previous one yet.
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, info.bytes - offset));
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, offset);
    if (bytesRead === 0) throw new CorruptRecordError(info.name, `ends at byte ${offset}`);
    yield CheckpointChunk.create({ file: info.name, offset, data: buffer.subarray(0, bytesRead) });
    offset += bytesRead;
  }
}
