import type { CommandList, Tensor } from "../device.js";
import { record } from "../record.js";
import { packedLength } from "./linear.js";

/**
 * Looks up rows of a table: y[t] = table[ids[t]].
 *
 * @param ids    [rows] i32; `run` throws OutOfRangeIdError for one outside the table
 * @param table  [vocabulary, width] f32
 * @param y      [rows, width] f32
 */
export function embedding(
  list: CommandList,
  args: {
    ids: Tensor;
    table: Tensor;
    y: Tensor;
    rows: number;
    width: number;
    vocabulary: number;
  },
): void {
  const { ids, table, y, rows, width, vocabulary } = args;
  record(
    list,
    "embedding",
    {
      ids: [ids, "i32", rows],
      table: [table, "f32", vocabulary * width],
      y: [y, "f32", rows * width],
    },
    ["ids", "table", "y", rows, width, vocabulary],
  );
}

/**
 * Looks up rows of a packed table: y[t] = table[ids[t]].
 *
 * @param ids    [rows] i32; `run` throws OutOfRangeIdError for one outside the table
 * @param table  [vocabulary, width] f32, packed (`packMatrix`)
 * @param y      [rows, width] f32
 */
export function embeddingPacked(
  list: CommandList,
  args: {
    ids: Tensor;
    table: Tensor;
    y: Tensor;
    rows: number;
    width: number;
    vocabulary: number;
  },
): void {
  const { ids, table, y, rows, width, vocabulary } = args;
  record(
    list,
    "embeddingPacked",
    {
      ids: [ids, "i32", rows],
      table: [table, "f32", packedLength(vocabulary, width)],
      y: [y, "f32", rows * width],
    },
    ["ids", "table", "y", rows, width, vocabulary],
  );
}

/**
 * Adds to a table's gradient, in ascending row order: dTable[ids[t]] += dy[t].
 *
 * @param ids     [rows] i32
 * @param dy      [rows, width] f32
 * @param dTable  [vocabulary, width] f32, accumulated
 */
export function embeddingBackward(
  list: CommandList,
  args: {
    ids: Tensor;
    dy: Tensor;
    dTable: Tensor;
    rows: number;
    width: number;
    vocabulary: number;
  },
): void {
  const { ids, dy, dTable, rows, width, vocabulary } = args;
  record(
    list,
    "embeddingBackward",
    {
      ids: [ids, "i32", rows],
      dy: [dy, "f32", rows * width],
      dTable: [dTable, "f32", vocabulary * width],
    },
    ["ids", "dy", "dTable", rows, width, vocabulary],
  );
}
