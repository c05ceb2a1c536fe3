import { type Clock, ClusterError, type Logger } from "@gumshoe/core";
import { NotFiniteError } from "@gumshoe/engine";
import { bytesToTokens, type GroupSpec, type JobOf, type RolloutService } from "@gumshoe/protocol";
import { type RpcClient } from "@gumshoe/rpc";
import { type JobContext } from "@gumshoe/queue";

import { type EngineThread } from "../engine/engine-thread.js";
import { type EngineSession } from "../session/engine-session.js";
import { RunAssetsCache } from "../session/run-assets.js";
import { EnvironmentCache } from "./environment-cache.js";
import { gradeRollouts } from "./grade-rollouts.js";

/** What an inference worker works with. */
export interface RolloutRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly session: EngineSession;
  readonly rollouts: RpcClient<typeof RolloutService>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Does rollout jobs: samples a group from the weights it names, grades it, hands it in. */
export class RolloutRole {
  readonly #options: RolloutRoleOptions;
  readonly #assets: RunAssetsCache;
  readonly #environments = new EnvironmentCache();

  constructor(options: RolloutRoleOptions) {
    this.#options = options;
    this.#assets = new RunAssetsCache(options.rollouts);
  }

  /** Ends what user code still runs. */
  close(): Promise<void> {
    return this.#environments.close();
  }

  /** Does one job; idempotent by the group key. */
  async handle(job: JobOf<"rollout">, context: JobContext): Promise<void> {
    const { rollouts, session, workerId, clock } = this.#options;
    const { run, groupKey, kind } = job;
    const { signal } = context;
    const takenAtMs = clock.monotonicMs();
    const spec = await rollouts.fetchGroup({ run, groupKey }, { signal });
    const { version, digest } = spec.weights ?? { version: 0, digest: "" };
    const assets = await this.#assets.get(spec, signal);
    const environment = await this.#environments.get(assets, {
      kind,
      digest: spec.environmentDigest,
    });
    const sources = spec.weightSources;
    const wanted = { run, assets, version, digest, sources };
    const sampled = await session.withWeights(wanted, signal, () => this.#sample(spec, signal));
    const { tokenizer } = assets;
    const startedAtMs = clock.monotonicMs();
    const grading = { environment, tokenizer, signal };
    const graded = await gradeRollouts(spec, sampled.rollouts, grading);
    const gradingMs = Math.round(clock.monotonicMs() - startedAtMs);
    const weights = { version, digest: sampled.weights };
    const { runDigest } = spec;
    const ageMs = Math.round(clock.monotonicMs() - takenAtMs);
    const group = { run, groupKey, workerId, weights, rollouts: graded, gradingMs, runDigest };
    await rollouts.submitGroup({ ...group, ageMs }, { signal });
  }

  /** @throws NotFiniteError naming the version of the weights when their logits are no numbers */
  async #sample(spec: GroupSpec, signal: AbortSignal) {
    const request = {
      id: spec.groupKey,
      promptIds: bytesToTokens(spec.promptTokens),
      count: spec.count,
      temperature: spec.temperature,
      maxNewTokens: spec.maxAnswerTokens,
      stopTokenIds: spec.stopTokens,
      seed: spec.seed as [number, ...number[]],
      earlyStop: spec.earlyStop ?? null,
    };
    const weights = spec.weights?.digest ?? "";
    try {
      return await this.#options.engine.call("sample", { request, weights }, signal);
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "DATA_LOSS") throw error;
      throw new NotFiniteError(`weights version ${spec.weights?.version ?? 0} of run ${spec.run}`);
    }
  }
}
