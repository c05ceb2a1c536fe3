import { type Clock, type Logger } from "@gumshoe/core";
import { type SampledRollout } from "@gumshoe/engine";
import { openEnvironment } from "@gumshoe/environments";
import { type GroupSpec, type JobOf, type RolloutService, type RpcClient } from "@gumshoe/protocol";
import { type Environment } from "@gumshoe/puzzles";
import { type JobContext } from "@gumshoe/queue";
import { RunConfig } from "@gumshoe/protocol";

import { type EngineThread } from "../engine/engine-thread.js";
import { type RunModels } from "../host/run-models.js";
import { type WeightKeeper } from "../weights/weight-keeper.js";
import { gradeRollouts } from "./grade-rollouts.js";

/** What an inference worker works with. */
export interface RolloutRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly rollouts: RpcClient<typeof RolloutService>;
  readonly models: RunModels;
  readonly weights: WeightKeeper;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Does rollout jobs: samples a group from the weights it names, grades it, hands it in. */
export class RolloutRole {
  readonly #options: RolloutRoleOptions;
  /** By run and kind of group. */
  readonly #environments = new Map<string, Promise<Environment>>();

  constructor(options: RolloutRoleOptions) {
    this.#options = options;
  }

  /** Does one job; idempotent by the group key. */
  async handle(job: JobOf<"rollout">, context: JobContext): Promise<void> {
    const { rollouts, models, weights, clock } = this.#options;
    const { run, groupKey } = job;
    const { signal } = context;
    const spec = await rollouts.fetchGroup({ run, groupKey }, { signal });
    const model = await models.of(run);
    const environment = await this.#environmentOf(job);
    const wanted = spec.weights ?? { version: 0, digest: "" };
    const sources = spec.weightSources;
    const sampled = await weights.during({ run, ...wanted, sources }, () => this.#sample(spec));
    const { tokenizer } = model;
    const graded = await gradeRollouts(spec, sampled, { environment, tokenizer, clock, signal });
    await rollouts.submitGroup(
      {
        run,
        groupKey,
        workerId: this.#options.workerId,
        weights: wanted,
        rollouts: graded,
      },
      { signal },
    );
  }

  async #sample(spec: GroupSpec): Promise<readonly SampledRollout[]> {
    const { rollouts } = await this.#options.engine.call("sample", {
      id: spec.groupKey,
      promptIds: spec.promptTokens,
      count: spec.count,
      temperature: spec.temperature,
      maxNewTokens: spec.maxAnswerTokens,
      stopTokenIds: spec.stopTokens,
      seed: spec.seed as [number, ...number[]],
      earlyStop: spec.earlyStop ?? null,
    });
    return rollouts;
  }

  #environmentOf({ run, kind }: JobOf<"rollout">): Promise<Environment> {
    const key = `${run}/${kind}`;
    let environment = this.#environments.get(key);
    if (environment === undefined) {
      environment = this.#openEnvironment(run, kind);
      environment.catch(() => this.#environments.delete(key));
      this.#environments.set(key, environment);
    }
    return environment;
  }

  async #openEnvironment(run: string, kind: JobOf<"rollout">["kind"]): Promise<Environment> {
    const { configJson } = await this.#options.rollouts.getRunAssets({ run });
    const environment = await openEnvironment(RunConfig.parse(JSON.parse(configJson)), kind);
    if (environment === null) throw new Error(`run ${run} has no ${kind} tasks`);
    return environment;
  }
}
