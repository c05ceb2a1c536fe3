import { createReadStream, createWriteStream } from "node:fs";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

import { WrongPackageError } from "../errors.js";

/** Records of a zip file, and offsets of their fields (APPNOTE 4.3). */
const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const ENTRY_BYTES = 46;
const LOCAL_BYTES = 30;
const STORED = 0;
const DEFLATED = 8;

interface ZipEntry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  /** Of its local record in the file. */
  readonly at: number;
}

/**
 * Extracts some files of a zip file below 4 GiB.
 *
 * @param targets  where each goes, by its name in the zip file
 * @throws WrongPackageError when it is no zip file or lacks one of them
 */
export async function extractZip(
  file: string,
  targets: ReadonlyMap<string, string>,
): Promise<void> {
  const entries = await readDirectory(file);
  for (const [name, target] of targets) {
    const entry = entries.find((one) => one.name === name);
    if (entry === undefined) throw new WrongPackageError(file, `has no ${name}`);
    await extract(file, entry, target);
  }
}

async function readDirectory(file: string): Promise<ZipEntry[]> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const tail = Buffer.alloc(Math.min(size, END_BYTES + MAX_COMMENT_BYTES));
    await handle.read(tail, 0, tail.length, size - tail.length);
    let end = tail.length - END_BYTES;
    while (end >= 0 && tail.readUInt32LE(end) !== END_OF_DIRECTORY) end--;
    if (end < 0) throw new WrongPackageError(file, "is no zip file");
    const directory = Buffer.alloc(tail.readUInt32LE(end + 12));
    await handle.read(directory, 0, directory.length, tail.readUInt32LE(end + 16));
    return parseDirectory(directory);
  } finally {
    await handle.close();
  }
}

function parseDirectory(directory: Buffer): ZipEntry[] {
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at + ENTRY_BYTES <= directory.length && directory.readUInt32LE(at) === DIRECTORY_ENTRY) {
    const nameBytes = directory.readUInt16LE(at + 28);
    const begin = at + ENTRY_BYTES;
    entries.push({
      name: directory.toString("utf8", begin, begin + nameBytes),
      method: directory.readUInt16LE(at + 10),
      compressedBytes: directory.readUInt32LE(at + 20),
      at: directory.readUInt32LE(at + 42),
    });
    at = begin + nameBytes + directory.readUInt16LE(at + 30) + directory.readUInt16LE(at + 32);
  }
  return entries;
}

async function extract(file: string, entry: ZipEntry, target: string): Promise<void> {
  if (entry.method !== STORED && entry.method !== DEFLATED) {
    throw new WrongPackageError(file, `has ${entry.name} in an unknown compression`);
  }
  const handle = await open(file);
  const local = Buffer.alloc(LOCAL_BYTES);
  try {
    await handle.read(local, 0, LOCAL_BYTES, entry.at);
  } finally {
    await handle.close();
  }
  const start = entry.at + LOCAL_BYTES + local.readUInt16LE(26) + local.readUInt16LE(28);
  const packed = createReadStream(file, { start, end: start + entry.compressedBytes - 1 });
  const into = createWriteStream(target);
  if (entry.method === STORED) await pipeline(packed, into);
  else await pipeline(packed, createInflateRaw(), into);
}
