/**
 * The parameters of a LoRA adapter: for each adapted matrix W [n, k] the factors A [r, k] and B [n, r], so that
 * y = x W^T + alpha / r (x A^T) B^T.
 *
 * @source arXiv:2106.09685
 */
import { Rng } from "@gumshoe/core";

import type { AdapterConfig } from "./adapter-config.js";
import type { ModelConfig } from "./model-config.js";
import {
  layoutOf,
  type NamedShape,
  type ParameterLayout,
  parameterLayout,
} from "./parameter-layout.js";

/** Prefix of PEFT's tensor names. */
const PREFIX = "base_model.model.";
/** Part of the random streams' identity, so that no other stream of the seed is an adapter's. */
const STREAM = 0x6c6f7261;

/** Returns the config of a model with an adapter. */
export function withAdapter(config: ModelConfig, adapter: AdapterConfig | null): ModelConfig {
  return { ...config, adapter };
}

/** Says why a rank is impossible for a model; null if it is not. */
export function rankProblem({ width }: ModelConfig, rank: number): string | null {
  if (Number.isSafeInteger(rank) && rank >= 1 && rank <= width) return null;
  return `is ${rank}; it must be from 1 to the model's width, ${width}`;
}

/** Returns PEFT's name of a factor, e.g. of `model.layers.0.self_attn.q_proj`. */
export function factorName(module: string, factor: "A" | "B"): string {
  return `${PREFIX}${module}.lora_${factor}.weight`;
}

/**
 * Lays out the parameters of an adapter: layers from first to last, their matrices in canonical order, of each A,
 * then B.
 */
export function adapterLayout(config: ModelConfig): ParameterLayout {
  const { rank, targets } = adapterOf(config);
  const adapted = new Set<string>(targets);
  const shapes = parameterLayout(config).entries.flatMap(({ name, shape }): NamedShape[] => {
    const module = /^(.*\.(\w+_proj))\.weight$/.exec(name);
    const [n, k] = shape;
    if (module === null || n === undefined || k === undefined) return [];
    const [, path = "", target = ""] = module;
    if (!adapted.has(target)) return [];
    return [
      [factorName(path, "A"), [rank, k]],
      [factorName(path, "B"), [n, rank]],
    ];
  });
  return layoutOf(shapes);
}

/** Returns the parameters that training changes: those of the adapter if there is one, else all. */
export function trainableLayout(config: ModelConfig): ParameterLayout {
  return config.adapter === null ? parameterLayout(config) : adapterLayout(config);
}

/**
 * Draws the parameters of a new adapter as PEFT does: A from uniform(-1 / sqrt(k), 1 / sqrt(k)), which is Kaiming's
 * with a = sqrt(5), and B 0, so that it changes nothing yet.
 *
 * The numbers are the same on every machine, since only integers, one root and one product are computed.
 *
 * @param seed  an integer; every factor has its own stream
 * @returns     f32, in the order of {@link adapterLayout}
 */
export function initialAdapter(config: ModelConfig, seed: number): Float32Array {
  const { entries, numParameters } = adapterLayout(config);
  const values = new Float32Array(numParameters);
  for (const [index, { shape, start, end }] of entries.entries()) {
    // Factors alternate: A, B.
    if (index % 2 === 1) continue;
    const bound = 1 / Math.sqrt(shape[1] ?? 1);
    const rng = new Rng(seed, STREAM, index);
    for (let i = start; i < end; i++) values[i] = (2 * rng.uniform() - 1) * bound;
  }
  return values;
}

function adapterOf({ adapter }: ModelConfig): AdapterConfig {
  if (adapter === null) throw new Error("the model has no adapter");
  return adapter;
}
