import { type RopeScaling } from "@gumshoe/kernels";

import { ModelConfigError } from "../errors.js";
import { type ConfigFields } from "./config-fields.js";

/** What Transformers takes when a file names no base. */
const DEFAULT_THETA = 10000;

/**
 * Reads the rotary base and its scaling: `rope_parameters` holds both since Transformers 5; before,
 * they were `rope_theta` and `rope_scaling`, whose kind is `rope_type` or, in older files, `type`.
 *
 * @throws ModelConfigError on a kind of scaling that is not here
 */
export function parseRotary(config: ConfigFields): {
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
} {
  const parameters = config.object("rope_parameters");
  const scaling = parameters ?? config.object("rope_scaling");
  const theta = config.positive("rope_theta", DEFAULT_THETA);
  refusePartialRotation(config);
  if (scaling === null) return { ropeTheta: theta, ropeScaling: null };
  refusePartialRotation(scaling);
  return {
    ropeTheta: scaling.positive("rope_theta", theta),
    ropeScaling: parseScaling(config, scaling),
  };
}

function parseScaling(config: ConfigFields, scaling: ConfigFields): RopeScaling | null {
  const type = scaling.raw("rope_type") ?? scaling.raw("type") ?? "default";
  switch (type) {
    case "default":
      return null;
    case "linear":
      return { type: "linear", factor: scaling.positive("factor") };
    case "llama3":
      return {
        type: "llama3",
        factor: scaling.positive("factor"),
        lowFreqFactor: scaling.positive("low_freq_factor"),
        highFreqFactor: scaling.positive("high_freq_factor"),
        originalMaxPositions: originalPositions(config, scaling),
      };
    case "yarn":
      return parseYarn(config, scaling);
    default:
      throw new ModelConfigError(
        scaling.full("rope_type"),
        `is ${JSON.stringify(type)}; known are default, linear, llama3, yarn`,
      );
  }
}

/** An unset or zero scale is none, as in Transformers. */
function parseYarn(config: ConfigFields, scaling: ConfigFields): RopeScaling {
  const originalMaxPositions = originalPositions(config, scaling);
  const optional = (name: string) =>
    scaling.raw(name) === undefined || scaling.raw(name) === 0 ? null : scaling.positive(name);
  const factor =
    optional("factor") ?? config.size("max_position_embeddings") / originalMaxPositions;
  return {
    type: "yarn",
    factor,
    attentionFactor: optional("attention_factor"),
    mscale: optional("mscale"),
    mscaleAllDim: optional("mscale_all_dim"),
    betaFast: optional("beta_fast") ?? 32,
    betaSlow: optional("beta_slow") ?? 1,
    originalMaxPositions,
    truncate: scaling.flag("truncate", true),
  };
}

/** Positions of the model before it was stretched; a field of the config itself goes first. */
function originalPositions(config: ConfigFields, scaling: ConfigFields): number {
  const name = "original_max_position_embeddings";
  if (config.raw(name) !== undefined) return config.positive(name);
  return scaling.raw(name) === undefined
    ? config.positive("max_position_embeddings")
    : scaling.positive(name);
}

function refusePartialRotation(fields: ConfigFields): void {
  const factor = fields.raw("partial_rotary_factor") ?? 1;
  if (factor === 1) return;
  const field = fields.full("partial_rotary_factor");
  throw new ModelConfigError(field, `is ${JSON.stringify(factor)}; only whole heads are rotated`);
}
