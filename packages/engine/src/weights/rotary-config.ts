import { shownValue } from "@gumshoe/core";
import type { RopeScaling } from "@gumshoe/kernels";

import { ModelConfigError } from "../errors.js";
import type { ConfigFields } from "./config-fields.js";

/** Transformers' default if a file names no base. */
const DEFAULT_THETA = 10000;

/**
 * Reads the rotary base and its scaling. Since Transformers 5 both are in `rope_parameters`; before, they were
 * `rope_theta` and `rope_scaling`, whose kind is `rope_type` or, in older files, `type`.
 *
 * @throws ModelConfigError on an unsupported kind of scaling
 */
export function parseRotary(config: ConfigFields): {
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
} {
  refuseTwoAnswers(config);
  const scaling = config.object("rope_parameters") ?? config.object("rope_scaling");
  const theta = config.positive("rope_theta", DEFAULT_THETA);
  refusePartialRotation(config);
  if (scaling === null) return { ropeTheta: theta, ropeScaling: null };
  refusePartialRotation(scaling);
  refuseLayerTypes(scaling);
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
      return parseLlama3(config, scaling);
    case "yarn":
      return parseYarn(config, scaling);
    default:
      throw new ModelConfigError(
        scaling.full("rope_type"),
        `is ${shownValue(type)}; known are default, linear, llama3, yarn`,
      );
  }
}

function parseLlama3(config: ConfigFields, scaling: ConfigFields): RopeScaling {
  const lowFreqFactor = scaling.positive("low_freq_factor");
  const highFreqFactor = scaling.positive("high_freq_factor");
  if (highFreqFactor <= lowFreqFactor) {
    const problem = `is ${highFreqFactor}, not above low_freq_factor (${lowFreqFactor})`;
    throw new ModelConfigError(scaling.full("high_freq_factor"), problem);
  }
  return {
    type: "llama3",
    factor: scaling.positive("factor"),
    lowFreqFactor,
    highFreqFactor,
    originalMaxPositions: originalPositions(config, scaling),
  };
}

/** An unset or zero scale disables it, as in Transformers. */
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

/** Positions of the model before scaling; a field of the config itself takes precedence. */
function originalPositions(config: ConfigFields, scaling: ConfigFields): number {
  const name = "original_max_position_embeddings";
  if (config.raw(name) !== undefined) return config.positive(name);
  return scaling.raw(name) === undefined
    ? config.positive("max_position_embeddings")
    : scaling.positive(name);
}

/** Which of the two takes precedence depends on the version of Transformers. */
function refuseTwoAnswers(config: ConfigFields): void {
  const [parameters, scaling] = [config.raw("rope_parameters"), config.raw("rope_scaling")];
  if (parameters === undefined || scaling === undefined) return;
  if (isSameJson(parameters, scaling)) return;
  throw new ModelConfigError("rope_scaling", "is set beside rope_parameters, and differs from it");
}

/** Values nested deeper than the stack count as different. */
function isSameJson(a: unknown, b: unknown): boolean {
  try {
    return JSON.stringify(a) === JSON.stringify(b);
  } catch {
    return false;
  }
}

/** Models with windows rotate each type of layer differently. */
function refuseLayerTypes(scaling: ConfigFields): void {
  const nested = scaling.names().find((name) => typeof scaling.raw(name) === "object");
  if (nested === undefined || Array.isArray(scaling.raw(nested))) return;
  throw new ModelConfigError(scaling.full(nested), "is set; all layers are rotated alike here");
}

function refusePartialRotation(fields: ConfigFields): void {
  const factor = fields.raw("partial_rotary_factor") ?? 1;
  if (factor === 1) return;
  const field = fields.full("partial_rotary_factor");
  throw new ModelConfigError(field, `is ${shownValue(factor)}; only whole heads are rotated`);
}
