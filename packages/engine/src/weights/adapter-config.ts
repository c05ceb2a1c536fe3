/** The matrices of a layer that an adapter can change, in canonical order. */
export const ADAPTER_TARGETS = [
  "q_proj",
  "k_proj",
  "v_proj",
  "o_proj",
  "gate_proj",
  "up_proj",
  "down_proj",
] as const;
/** Name of such a matrix. */
export type AdapterTarget = (typeof ADAPTER_TARGETS)[number];

/** The shape of a LoRA adapter, as in PEFT's `r`, `lora_alpha` and `target_modules`. */
export interface AdapterConfig {
  readonly rank: number;
  readonly alpha: number;
  readonly targets: readonly AdapterTarget[];
}

/** Returns the factor alpha / rank on an adapter's output, as a float32. */
export function adapterScale({ alpha, rank }: AdapterConfig): number {
  return Math.fround(alpha / rank);
}
