/**
 * Reads a file of records, in the format that its extension names: JSON lines or a JSON array, CSV,
 * TSV, or Parquet. Errors name the field of the config, the file, and the line or the record.
 */
import { extname } from "node:path";

import { TableProblem } from "../errors.js";
import { readDataFile, textOf } from "../read-data-file.js";
import { readCsv } from "./read-csv.js";
import { readJsonRecords } from "./read-json-records.js";
import { readParquet } from "./read-parquet.js";
import type { TableRecord } from "./table-record.js";

/** Most records of a file: a task of each is kept in memory. */
const MAX_RECORDS = 2_000_000;

/** The records of a file, and its content. */
export interface Table {
  readonly records: readonly TableRecord[];
  readonly bytes: Uint8Array;
}

type Reader = (
  file: { readonly bytes: Buffer; readonly text: () => string },
  columns: readonly string[],
) => TableRecord[] | Promise<TableRecord[]>;

const READERS: Readonly<Record<string, Reader>> = {
  ".jsonl": ({ text }) => readJsonRecords(text()),
  ".ndjson": ({ text }) => readJsonRecords(text()),
  ".json": ({ text }) => readJsonRecords(text()),
  ".csv": ({ text }) => readCsv(text(), ","),
  ".tsv": ({ text }) => readCsv(text(), "\t"),
  ".parquet": ({ bytes }, columns) => readParquet(bytes, columns),
};

/** Extensions of the files that can be read. */
export const TABLE_EXTENSIONS: readonly string[] = Object.keys(READERS);

/**
 * Reads the records of a file.
 *
 * @param field    config field that names the file, for errors
 * @param columns  the columns that are needed: a reader may leave out others
 * @throws         InvalidArgumentError naming the field, the file and the place
 */
export async function readTable(
  field: string,
  file: string,
  columns: readonly string[],
): Promise<Table> {
  const { bytes, refuse } = await readDataFile(field, file, "records");
  const reader = READERS[extname(file).toLowerCase()];
  if (reader === undefined) return refuse(`must end in ${TABLE_EXTENSIONS.join(", ")}`);
  try {
    const records = await reader({ bytes, text: () => textOf(bytes, refuse) }, columns);
    if (records.length === 0) return refuse("holds no records");
    if (records.length <= MAX_RECORDS) return { records, bytes };
    return refuse(`holds ${records.length} records, more than ${MAX_RECORDS}`);
  } catch (error) {
    if (!(error instanceof TableProblem)) throw error;
    return refuse(error.message, error);
  }
}
