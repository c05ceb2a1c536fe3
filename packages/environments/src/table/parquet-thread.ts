/** Entry point of the thread that reads a Parquet file: see `readParquet`, which starts it. */
import { serveCalls } from "@gumshoe/core";

import { TableProblem } from "../errors.js";
import type { ParquetCalls } from "./parquet-calls.js";
import { readParquetRows } from "./parquet-rows.js";

serveCalls<ParquetCalls>({
  read: async ({ bytes, columns }) => {
    try {
      return { records: await readParquetRows(bytes, columns) };
    } catch (error) {
      if (error instanceof TableProblem) return { problem: error.message };
      throw error;
    }
  },
});
