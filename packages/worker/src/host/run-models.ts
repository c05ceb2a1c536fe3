import { type EngineThread } from "../engine/engine-thread.js";
import { parseModelConfig, parameterLayout, Tokenizer } from "@gumshoe/engine";
import { type RpcClient, type RolloutService } from "@gumshoe/protocol";

/** What a worker knows of a run's model. */
export interface RunModel {
  readonly tokenizer: Tokenizer;
  readonly numParameters: number;
}

/** Fetches a run's model files once and makes the engine ready for it; holds the last run only. */
export class RunModels {
  readonly #engine: EngineThread;
  readonly #rollouts: RpcClient<typeof RolloutService>;
  readonly #training: boolean;
  #current: { run: string; model: Promise<RunModel> } | null = null;

  constructor(options: {
    engine: EngineThread;
    rollouts: RpcClient<typeof RolloutService>;
    training: boolean;
  }) {
    this.#engine = options.engine;
    this.#rollouts = options.rollouts;
    this.#training = options.training;
  }

  /** Returns the model of a run, loading it when it is another one than before. */
  async of(run: string): Promise<RunModel> {
    if (this.#current?.run !== run) this.#current = { run, model: this.#load(run) };
    const current = this.#current;
    try {
      return await current.model;
    } catch (error) {
      if (this.#current === current) this.#current = null;
      throw error;
    }
  }

  async #load(run: string): Promise<RunModel> {
    const { modelFiles } = await this.#rollouts.getRunAssets({ run });
    const configJson = modelFiles["config.json"] ?? "{}";
    const { numParameters } = parameterLayout(parseModelConfig(JSON.parse(configJson)));
    await this.#engine.call("loadModel", { run, configJson, training: this.#training });
    return { tokenizer: Tokenizer.fromAssets(modelFiles), numParameters };
  }
}
