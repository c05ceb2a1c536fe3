/** The `adapter_config.json` of a PEFT adapter: read, checked and written. */
import { shownValue } from "@gumshoe/core";

import { ModelConfigError } from "../errors.js";
import { ADAPTER_TARGETS, type AdapterConfig, type AdapterTarget } from "./adapter-config.js";
import { rankProblem } from "./adapter-layout.js";
import { ConfigFields } from "./config-fields.js";
import type { ModelConfig } from "./model-config.js";

/** What an `adapter_config.json` says. */
export interface AdapterFields {
  readonly adapter: AdapterConfig;
  readonly base: BaseName;
}

/** How an adapter names its base model. */
export interface BaseName {
  /** Folder or hub name; null if the file names none. */
  readonly name: string | null;
  /** Revision on the hub; null if none is named. */
  readonly revision: string | null;
}

/** Fields that turn on something that is not computed here. */
const UNSUPPORTED = [
  "use_dora",
  "use_rslora",
  "use_qalora",
  "use_bdlora",
  "fan_in_fan_out",
  "lora_bias",
  "modules_to_save",
  "layers_to_transform",
  "layer_replication",
  "rank_pattern",
  "alpha_pattern",
  "exclude_modules",
  "target_parameters",
  "trainable_token_indices",
  "alora_invocation_tokens",
  "arrow_config",
  "kasa_config",
  "velora_config",
  "monteclora_config",
];
/** Initialisations that leave the base as it was; the others (pissa, olora, corda, loftq) change it. */
const HARMLESS_INITS: readonly unknown[] = [true, false, "gaussian", "eva", "orthogonal"];
const ALL_LINEAR = "all-linear";

/**
 * Reads an `adapter_config.json`.
 *
 * @param base  the model that it is for, by which the rank is checked
 * @throws ModelConfigError naming a field that is missing, wrong or unsupported
 */
export function parseAdapterFields(json: unknown, base: ModelConfig): AdapterFields {
  const fields = openAdapterFields(json);
  const wrong = rankProblem(base, fields.size("r"));
  if (wrong !== null) throw new ModelConfigError("r", wrong);
  const adapter = {
    rank: fields.size("r"),
    alpha: fields.positive("lora_alpha"),
    targets: targetsOf(fields.raw("target_modules")),
  };
  return { adapter, base: baseOf(fields) };
}

/** Returns how an `adapter_config.json` names its base model. @throws ModelConfigError */
export function parseBaseName(json: unknown): BaseName {
  return baseOf(openAdapterFields(json));
}

function baseOf(fields: ConfigFields): BaseName {
  const text = (name: string) => {
    const value = fields.raw(name);
    return typeof value === "string" && value !== "" ? value : null;
  };
  return { name: text("base_model_name_or_path"), revision: text("revision") };
}

function openAdapterFields(json: unknown): ConfigFields {
  const fields = ConfigFields.of(json);
  const type = fields.raw("peft_type");
  if (type !== "LORA") {
    throw new ModelConfigError("peft_type", `is ${shownValue(type ?? null)}; known is LORA`);
  }
  for (const name of UNSUPPORTED) {
    const value = fields.raw(name);
    if (isOff(value)) continue;
    throw new ModelConfigError(name, `is ${shownValue(value)}, which is not supported`);
  }
  const bias = fields.raw("bias") ?? "none";
  if (bias !== "none") {
    throw new ModelConfigError("bias", `is ${shownValue(bias)}; supported is "none"`);
  }
  const init = fields.raw("init_lora_weights") ?? true;
  if (!HARMLESS_INITS.includes(init)) {
    const problem = `is ${shownValue(init)}, which changes the base model`;
    throw new ModelConfigError("init_lora_weights", problem);
  }
  return fields;
}

/** Returns whether a field is absent, false or empty. */
function isOff(value: unknown): boolean {
  if (value === undefined || value === false) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

function targetsOf(value: unknown): AdapterTarget[] {
  if (value === ALL_LINEAR) return [...ADAPTER_TARGETS];
  const names: unknown[] = Array.isArray(value) ? value : [value];
  const known: readonly unknown[] = ADAPTER_TARGETS;
  const others = names.filter((name) => !known.includes(name));
  if (others.length > 0 || names.length === 0) {
    const problem = `holds ${shownValue(others[0] ?? null)}; known are ${ADAPTER_TARGETS.join(", ")}`;
    throw new ModelConfigError("target_modules", problem);
  }
  return ADAPTER_TARGETS.filter((target) => names.includes(target));
}

/** Writes an `adapter_config.json` that PEFT loads. */
export function adapterFieldsText({ adapter, base }: AdapterFields): string {
  const fields = {
    peft_type: "LORA",
    task_type: "CAUSAL_LM",
    base_model_name_or_path: base.name,
    revision: base.revision,
    inference_mode: true,
    r: adapter.rank,
    lora_alpha: adapter.alpha,
    lora_dropout: 0,
    target_modules: adapter.targets,
    bias: "none",
    fan_in_fan_out: false,
    init_lora_weights: true,
    modules_to_save: null,
    use_rslora: false,
    use_dora: false,
    rank_pattern: {},
    alpha_pattern: {},
    layers_to_transform: null,
  };
  return `${JSON.stringify(fields, null, 2)}\n`;
}
