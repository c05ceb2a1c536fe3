/** Operation codes and their numbers of arguments; mirrors `Operation` of cpu/kernels.h, in order. */
export const OPERATIONS = [
  "embedding",
  "embeddingPacked",
  "embeddingBackward",
  "rmsNorm",
  "rmsNormBackward",
  "packMatrix",
  "linear",
  "linearBackwardInput",
  "linearBackwardWeight",
  "rope",
  "swiglu",
  "swigluBackward",
  "add",
  "fill",
  "scale",
  "gatherRows",
  "scatterAddRows",
  "kvWrite",
  "attention",
  "attentionBackward",
  "headLogits",
  "headLogprobs",
  "headBackward",
  "headSample",
  "adamw",
  "adamwPacked",
  "sumSquaresBlocks",
  "fmaPeak",
] as const;

/** Name of an operation. */
export type Operation = (typeof OPERATIONS)[number];

/** Code of each operation. */
export const OPERATION_CODES = Object.fromEntries(
  OPERATIONS.map((name, code) => [name, code]),
) as Record<Operation, number>;

/** `Status` of cpu/kernels.h. */
export const STATUS = { ok: 0, badRecord: 1, badId: 2, outOfMemory: 3, failed: 4 } as const;

/** Positions in a block of the KV cache: `KV_BLOCK`. */
export const KV_BLOCK = 16;

/** Columns of a panel of a packed matrix: `PANEL`. */
export const PANEL = 32;

/** Instruction sets by their native number. */
export const INSTRUCTION_SETS = ["scalar", "avx2", "avx512"] as const;

/** Instruction sets that the CPU kernels are built for. All give the same bits. */
export type InstructionSet = (typeof INSTRUCTION_SETS)[number];
