import {
  ADAPTER_CONFIG,
  ADAPTER_WEIGHTS,
  adapterFieldsText,
  adapterHeader,
  configWithFormat,
  type FloatFormat,
  safetensorsHeader,
} from "@gumshoe/engine";

import { adapterAssets } from "../plan/new-adapter.js";
import type { RunModel } from "../plan/run-model.js";

/** Returns the name of a checkpoint's file of weights, and its header. */
export function checkpointWeights(
  { layout, base }: RunModel,
  format: FloatFormat,
): { name: string; header: Uint8Array } {
  return base === null
    ? { name: "model.safetensors", header: safetensorsHeader(layout, format) }
    : { name: ADAPTER_WEIGHTS, header: adapterHeader(layout, base.digest, format) };
}

/** Returns the text files of a checkpoint by name: those of a model folder, or of a PEFT adapter folder. */
export function checkpointTexts(
  { assets, shape, base }: RunModel,
  format: FloatFormat,
): Record<string, string> {
  const { adapter } = shape;
  if (base !== null && adapter !== null) {
    const fields = adapterFieldsText({ adapter, base: base.name });
    return { ...adapterAssets(assets), [ADAPTER_CONFIG]: fields };
  }
  const { "config.json": config = "{}", ...others } = assets;
  return { ...others, "config.json": configWithFormat(config, format) };
}
