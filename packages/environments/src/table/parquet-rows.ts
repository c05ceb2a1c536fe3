import { brotliDecompressSync, gunzipSync } from "node:zlib";

import { errorMessage } from "@gumshoe/core";
import {
  type Compressors,
  type FileMetaData,
  parquetMetadata,
  parquetReadObjects,
  parquetSchema,
  snappyUncompress,
} from "hyparquet";

import { TableProblem } from "../errors.js";
import { decompressZstd } from "../zstd/decompress-zstd.js";
import type { TableRecord } from "./table-record.js";

/** Bytes of the needed columns without compression, as the file states them. */
const MAX_COLUMN_BYTES = 1024 * 2 ** 20;
/** Rows that are converted at once. */
const SLICE = 10_000;

/** Makes a page of a given size, exactly, from its compressed bytes. */
type Decompress = (input: Uint8Array, outputBytes: number) => Uint8Array;

const CODECS: Readonly<Record<string, Decompress>> = {
  SNAPPY: (input, outputBytes) => {
    const page = new Uint8Array(outputBytes);
    snappyUncompress(input, page);
    return page;
  },
  GZIP: (input, maxOutputLength) => gunzipSync(input, { maxOutputLength }),
  BROTLI: (input, maxOutputLength) => brotliDecompressSync(input, { maxOutputLength }),
  ZSTD: decompressZstd,
};

/** Returns the codecs, which together make at most so many bytes: a page may be larger than its file says. */
function boundedCodecs(maxBytes: number): Compressors {
  let left = maxBytes;
  const bounded = (decompress: Decompress): Decompress => {
    return (input, outputBytes) => {
      left -= outputBytes;
      if (left >= 0) return decompress(input, outputBytes);
      throw new TableProblem(`has pages of more than ${maxBytes} bytes without compression`);
    };
  };
  return Object.fromEntries(
    Object.entries(CODECS).map(([name, decompress]) => [name, bounded(decompress)]),
  );
}

/**
 * Reads the columns of a Parquet file that are needed, as far as it has them. A damaged file can keep the library
 * busy for ever, so this runs on a thread with limits: see `readParquet`.
 *
 * @throws TableProblem
 */
export async function readParquetRows(
  bytes: Uint8Array,
  columns: readonly string[],
): Promise<TableRecord[]> {
  // The library reads views relative to their buffer, and small files share one.
  const file = new Uint8Array(bytes).buffer;
  try {
    const metadata = parquetMetadata(file);
    const names = parquetSchema(metadata).children.map(({ element }) => element.name);
    const present = columns.filter((name) => names.includes(name));
    checkSize(metadata, present);
    const records: TableRecord[] = [];
    const numRows = Number(metadata.num_rows);
    // A record without a column says which ones there are.
    const others = Object.fromEntries(names.map((name) => [name, undefined]));
    for (let rowStart = 0; rowStart < numRows; rowStart += SLICE) {
      const rowEnd = Math.min(numRows, rowStart + SLICE);
      const rows = await parquetReadObjects({
        file,
        metadata,
        columns: present,
        rowStart,
        rowEnd,
        compressors: boundedCodecs(MAX_COLUMN_BYTES),
      });
      for (const [i, row] of rows.entries()) {
        records.push({ place: `row ${rowStart + i + 1}`, values: { ...others, ...row } });
      }
    }
    return records;
  } catch (error) {
    if (error instanceof TableProblem) throw error;
    throw new TableProblem(`is not Parquet, or is damaged: ${errorMessage(error)}`);
  }
}

function checkSize({ row_groups: groups }: FileMetaData, columns: readonly string[]): void {
  let total = 0;
  for (const { columns: chunks } of groups) {
    for (const { meta_data: chunk } of chunks) {
      const [column = ""] = chunk?.path_in_schema ?? [];
      if (columns.includes(column)) total += Number(chunk?.total_uncompressed_size ?? 0);
    }
  }
  if (total <= MAX_COLUMN_BYTES) return;
  const problem = `has ${total} bytes in ${columns.join(", ")} without compression`;
  throw new TableProblem(`${problem}, more than ${MAX_COLUMN_BYTES}`);
}
