import type { TableRecord } from "./table-record.js";

/** The methods of the thread that reads a Parquet file. */
export interface ParquetCalls {
  read: {
    argument: { readonly bytes: Uint8Array; readonly columns: readonly string[] };
    answer: { readonly records: TableRecord[] } | { readonly problem: string };
  };
}
