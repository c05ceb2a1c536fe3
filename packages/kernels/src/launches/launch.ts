/** What a CUDA launch consists of, and how a record of a command list becomes launches. */

/** Types of kernel arguments. */
export type ArgumentType = "pointer" | "i32" | "u32" | "i64" | "f32";

/** An argument by its type; pointers are addresses of device memory, 0 for null. */
export type Argument = readonly [type: ArgumentType, value: number];

/** One launch of a kernel; blocks are one-dimensional. */
export interface Launch {
  readonly kernel: KernelName;
  readonly grid: readonly [x: number, y: number, z: number];
  /** Threads. */
  readonly block: number;
  /** Dynamic shared memory; above 48 KiB the kernel's attribute must allow it. */
  readonly sharedBytes: number;
  readonly arguments: readonly Argument[];
}

/** Device memory that the launches of one record work with. */
export interface LaunchMemory {
  /** Address of `scratchBytes` bytes, aligned to 256; their content does not matter. */
  readonly scratch: number;
  /** Address of a u32 that holds 0xffffffff: kernels lower it to `operation` when an id is outside its table. */
  readonly failure: number;
  readonly operation: number;
}

/** How an operation runs on a GPU. */
export interface Twin {
  /** Bytes of scratch memory that the record needs; none where left out. */
  readonly scratchBytes?: (values: readonly number[]) => number;
  /** @param values  the arguments of the record, in the order of `ops` */
  readonly launches: (values: readonly number[], memory: LaunchMemory) => Launch[];
}

const VOCABULARY_BLOCK = 512;

/** Bytes of a tile of a matrix product: rows and columns of C, steps, stages; see cuda/matrix-product.h. */
function productBytes(
  [rows, columns, step, stages]: readonly [number, number, number, number],
  [isADeep, isBDeep]: readonly [boolean, boolean],
): number {
  const tile = (width: number, isDeep: boolean) => width * (isDeep ? step + 4 : step);
  return stages * 4 * (tile(rows, isADeep) + tile(columns, isBDeep));
}

const SMALL = [16, 32, 32, 4] as const;
const MEDIUM = [64, 128, 16, 2] as const;
const LARGE = [128, 128, 16, 2] as const;

/** `AttentionShared<width>` and `BackwardShared<width>`. */
const attentionBytes = (width: number) => 4 * (2 * 32 * width + 32 * 32);
/** `CutShared`: digits and threads. */
const cutBytes = (digits: number, threads: number) => 12 * digits * (threads + 1) + 4 * threads;
const backwardBytes = (width: number) => 4 * (2 * 48 * width + 2 * width * 33 + 2 * 48 * 32);

/** Every kernel of cuda/: threads of a block, bytes of shared memory, and the stem of its file. */
export const KERNELS = {
  add_vectors: [256, 0, "rows"],
  adamw: [256, 0, "adamw"],
  adamw_packed: [256, 32 * 33 * 4, "adamw"],
  attention_64: [256, attentionBytes(64), "attention"],
  attention_128: [256, attentionBytes(128), "attention"],
  attention_256: [256, attentionBytes(256), "attention"],
  attention_backward_dots: [128, 0, "attention"],
  attention_backward_keys_64: [256, backwardBytes(64), "attention"],
  attention_backward_keys_128: [256, backwardBytes(128), "attention"],
  attention_backward_keys_256: [256, backwardBytes(256), "attention"],
  attention_backward_queries_64: [256, backwardBytes(64), "attention"],
  attention_backward_queries_128: [256, backwardBytes(128), "attention"],
  attention_backward_queries_256: [256, backwardBytes(256), "attention"],
  fill: [256, 0, "rows"],
  fma_peak: [256, 0, "linear"],
  gather_packed_rows: [128, 0, "embedding"],
  gather_rows: [128, 0, "rows"],
  head_backward_input: [256, productBytes(LARGE, [true, true]), "head"],
  head_backward_weight: [256, productBytes(LARGE, [false, false]), "head"],
  head_exclude: [256, 0, "head"],
  head_gradients: [256, 0, "head"],
  head_logits_large: [256, productBytes(LARGE, [true, false]), "head"],
  head_logits_medium: [256, productBytes(MEDIUM, [true, false]), "head"],
  head_logits_small: [128, productBytes(SMALL, [true, false]), "head"],
  head_logprobs: [64, 0, "head"],
  head_sample: [32, 32 * 4, "head"],
  head_summaries: [128, 0, "head"],
  head_truncate: [128, cutBytes(16, 128), "head"],
  kv_write: [128, 0, "attention"],
  linear_backward_bias: [64, 0, "linear"],
  linear_backward_input: [256, productBytes(LARGE, [true, true]), "linear"],
  linear_backward_weight: [256, productBytes(LARGE, [false, false]), "linear"],
  linear_large: [256, productBytes(LARGE, [true, false]), "linear"],
  linear_medium: [256, productBytes(MEDIUM, [true, false]), "linear"],
  linear_small: [128, productBytes(SMALL, [true, false]), "linear"],
  pack_matrix: [256, 32 * 33 * 4, "linear"],
  rms_norm: [128, 0, "rms-norm"],
  rms_norm_backward_input: [128, 0, "rms-norm"],
  rms_norm_backward_weight: [64, 0, "rms-norm"],
  rope: [128, 0, "rope"],
  scale_vector: [256, 0, "rows"],
  scatter_add_rows: [128, 0, "rows"],
  sum_squares_blocks: [128, 128 * 8, "rows"],
  swiglu: [256, 0, "swiglu"],
  swiglu_backward: [256, 0, "swiglu"],
} as const satisfies Record<string, readonly [threads: number, sharedBytes: number, stem: string]>;

/** Name of a kernel. */
export type KernelName = keyof typeof KERNELS;

/** Stem of a file of kernels in cuda/. */
export type KernelStem = (typeof KERNELS)[KernelName][2];

/** Makes a launch of a kernel. */
export function launch(
  kernel: KernelName,
  [x, y = 1, z = 1]: readonly [x: number, y?: number, z?: number],
  args: readonly Argument[],
): Launch {
  const [block, sharedBytes] = KERNELS[kernel];
  return { kernel, grid: [x, y, z], block, sharedBytes, arguments: args };
}

/** Arguments of one type. */
export const pointers = (...values: number[]): Argument[] => values.map((v) => ["pointer", v]);
export const i32s = (...values: number[]): Argument[] => values.map((v) => ["i32", v]);
export const i64s = (...values: number[]): Argument[] => values.map((v) => ["i64", v]);
export const f32s = (...values: number[]): Argument[] => values.map((v) => ["f32", v]);

/** The last two arguments of kernels that look ids up. */
export function failureOf({ failure, operation }: LaunchMemory): Argument[] {
  return [
    ["pointer", failure],
    ["u32", operation],
  ];
}

/** Blocks that cover `count` items, `per` at a time. */
export function over(count: number, per: number): number {
  return Math.ceil(count / per);
}

/** The variant of a product by its rows, and the grid that covers [rows, columns]. */
export function productGrid(
  rows: number,
  columns: number,
): { size: "small" | "medium" | "large"; grid: readonly [number, number] } {
  const size = rows <= SMALL[0] ? "small" : rows <= MEDIUM[0] ? "medium" : "large";
  const [down, across] = { small: SMALL, medium: MEDIUM, large: LARGE }[size];
  return { size, grid: [over(columns, across), over(rows, down)] };
}

/** The grid of the products that have one variant. */
export function largeGrid(rows: number, columns: number): readonly [number, number] {
  return [over(columns, LARGE[1]), over(rows, LARGE[0])];
}

/** Blocks of a vocabulary. */
export function vocabularyBlocks(vocabulary: number): number {
  return over(vocabulary, VOCABULARY_BLOCK);
}
