import { f32s, failureOf, i32s, i64s, launch, over, pointers, type Twin } from "./launch.js";

/** Elements of a block of add_vectors, fill and scale_vector. */
const ELEMENTS = 1024;

export const gatherRows: Twin = {
  launches: ([x = 0, ids = 0, y = 0, count = 0, width = 0, sourceRows = 0], memory) => {
    const args = [...pointers(x, ids, y), ...i32s(width, sourceRows), ...failureOf(memory)];
    return [launch("gather_rows", [count], args)];
  },
};

export const scatterAddRows: Twin = {
  launches: ([dy = 0, ids = 0, dx = 0, count = 0, width = 0, targetRows = 0], memory) => {
    const sizes = i32s(count, width, targetRows);
    const args = [...pointers(dy, ids, dx), ...sizes, ...failureOf(memory)];
    return [launch("scatter_add_rows", [count], args)];
  },
};

export const embedding: Twin = {
  launches: ([ids = 0, table = 0, y = 0, ...sizes], memory) =>
    gatherRows.launches([table, ids, y, ...sizes], memory),
};

export const embeddingPacked: Twin = {
  launches: ([ids = 0, table = 0, y = 0, rows = 0, width = 0, vocabulary = 0], memory) => {
    const args = [...pointers(ids, table, y), ...i32s(width, vocabulary), ...failureOf(memory)];
    return [launch("gather_packed_rows", [rows], args)];
  },
};

export const embeddingBackward: Twin = {
  launches: ([ids = 0, dy = 0, dTable = 0, ...sizes], memory) =>
    scatterAddRows.launches([dy, ids, dTable, ...sizes], memory),
};

export const add: Twin = {
  launches: ([x = 0, y = 0, length = 0]) => [
    launch("add_vectors", [over(length, ELEMENTS)], [...pointers(x, y), ...i64s(length)]),
  ],
};

export const fill: Twin = {
  launches: ([x = 0, value = 0, length = 0]) => {
    const args = [...pointers(x), ...f32s(value), ...i64s(length)];
    return [launch("fill", [over(length, ELEMENTS)], args)];
  },
};

export const scale: Twin = {
  launches: ([x = 0, factor = 0, length = 0]) => {
    const args = [...pointers(x), ...f32s(factor), ...i64s(length)];
    return [launch("scale_vector", [over(length, ELEMENTS)], args)];
  },
};

export const sumSquaresBlocks: Twin = {
  launches: ([x = 0, length = 0, block = 0, out = 0]) => {
    const args = [...pointers(x), ...i64s(length, block), ...pointers(out)];
    // Eight blocks of x in one of the grid.
    return [launch("sum_squares_blocks", [over(over(length, block), 8)], args)];
  },
};
