import { type RopeScaling } from "@gumshoe/kernels";

/** The shape of a model, whatever family it is of. */
export interface ModelConfig {
  readonly modelType: "qwen2" | "qwen3" | "llama";
  readonly vocabularySize: number;
  /** Model width D. */
  readonly width: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling | null;
  readonly normEps: number;
  readonly tiedHead: boolean;
  /** Biases on q, k and v. */
  readonly attentionBias: boolean;
  /** Bias on o. */
  readonly outputBias: boolean;
  /** A norm on every query and key head (Qwen3). */
  readonly queryKeyNorm: boolean;
  readonly maxPositions: number;
  readonly eosTokenIds: readonly number[];
}
