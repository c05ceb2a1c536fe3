import {
  parseModelConfig,
  Tokenizer,
  trainableForm,
  type WeightForm,
  weightForm,
  withAdapter,
} from "@gumshoe/engine";
import { RunConfig } from "@gumshoe/config";
import { type RolloutService, runAssetsDigest } from "@gumshoe/protocol";
import type { RpcClient } from "@gumshoe/rpc";

import { OtherAssetsError } from "../errors.js";

/** Number of runs whose assets are kept: the current one, and those that it alternates with. */
const MAX_KEPT = 4;

/** A run's data that a worker needs, from the files that the coordinator serves. */
export interface RunAssets {
  /** Hash of the files; see `runAssetsDigest`. */
  readonly digest: string;
  readonly config: RunConfig;
  /** Text of the model's config.json. */
  readonly modelConfigJson: string;
  /** Layout in a region of the weights that the run trains. */
  readonly form: WeightForm;
  /** The frozen weights where the run trains an adapter; else null. */
  readonly base: FrozenWeights | null;
  readonly tokenizer: Tokenizer;
  /** The tokenizer's files, if the sampler searches stop strings; else null. */
  readonly tokenizerFiles: Readonly<Record<string, string>> | null;
}

/** Weights that no update changes. */
export interface FrozenWeights {
  /** Their layout in a region. */
  readonly form: WeightForm;
  readonly digest: string;
}

/** A run's files, identified as in a job. */
export interface RequiredAssets {
  readonly run: string;
  readonly assetsDigest: string;
}

/**
 * Fetches the files of runs, and caches the most recent ones by digest.
 *
 * The name of a run is not enough: another cluster, or a run that replaced this one, may use it too.
 */
export class RunAssetsCache {
  readonly #rollouts: RpcClient<typeof RolloutService>;
  /** Least recently used first. */
  readonly #kept = new Map<string, RunAssets>();

  constructor(rollouts: RpcClient<typeof RolloutService>) {
    this.#rollouts = rollouts;
  }

  /**
   * Returns the assets with a digest.
   *
   * @throws OtherAssetsError when the coordinator's files for the run have changed
   */
  async get({ run, assetsDigest }: RequiredAssets, signal: AbortSignal): Promise<RunAssets> {
    const assets = this.#kept.get(assetsDigest) ?? (await this.#fetch(run, assetsDigest, signal));
    this.#kept.delete(assetsDigest);
    this.#kept.set(assetsDigest, assets);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return assets;
  }

  async #fetch(run: string, wanted: string, signal: AbortSignal): Promise<RunAssets> {
    const files = await this.#rollouts.getRunAssets({ run }, { signal });
    const digest = runAssetsDigest(files);
    if (digest !== wanted) throw new OtherAssetsError(run, wanted, digest);
    const modelConfigJson = files.modelFiles["config.json"] ?? "{}";
    const config = RunConfig.parse(JSON.parse(files.configJson));
    const model = withAdapter(parseModelConfig(JSON.parse(modelConfigJson)), config.lora);
    return {
      digest,
      config,
      modelConfigJson,
      form: trainableForm(model),
      base: config.lora === null ? null : { form: weightForm(model), digest: files.baseDigest },
      tokenizer: Tokenizer.fromAssets(files.modelFiles),
      tokenizerFiles: hasStopStrings(config) ? files.modelFiles : null,
    };
  }
}

function hasStopStrings(config: RunConfig): boolean {
  return config.type === "grpo" && config.rollouts.stop !== undefined;
}
