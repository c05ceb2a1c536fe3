import { type Clock, ClusterError, type Logger } from "@gumshoe/core";
import { NotFiniteError, type SamplingOptions } from "@gumshoe/engine";
import { bytesToTokens, type GroupSpec, type JobOf, type RolloutService } from "@gumshoe/protocol";
import type { RpcClient } from "@gumshoe/rpc";
import type { JobContext } from "@gumshoe/queue";

import type { EngineThread } from "../engine/engine-thread.js";
import type { EngineSession } from "../session/engine-session.js";
import { RunAssetsCache } from "../session/run-assets.js";
import { EnvironmentCache } from "./environment-cache.js";
import { GroupConversations } from "./group-conversations.js";
import { gradeRollouts } from "./grade-rollouts.js";
import { GradingClock } from "./grading-clock.js";
import { SourceWaits } from "./source-waits.js";

/** Dependencies of an inference worker. */
export interface RolloutRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly session: EngineSession;
  readonly rollouts: RpcClient<typeof RolloutService>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Runs rollout jobs: samples a group from the weights that the job names, grades it, and submits it. */
export class RolloutRole {
  readonly #options: RolloutRoleOptions;
  readonly #assets: RunAssetsCache;
  readonly #environments = new EnvironmentCache();
  readonly #grading: GradingClock;
  readonly #waits: SourceWaits;

  constructor(options: RolloutRoleOptions) {
    this.#options = options;
    this.#grading = new GradingClock(options.clock);
    this.#waits = new SourceWaits(options);
    this.#assets = new RunAssetsCache(options.rollouts);
  }

  /** What a job waits for, such as a server of grades that is away; empty for nothing. */
  get waitingFor(): string {
    return this.#waits.problem;
  }

  /** Stops user code that is still running. */
  close(): Promise<void> {
    return this.#environments.close();
  }

  /** Runs one job; idempotent by the group key. */
  async handle(job: JobOf<"rollout">, context: JobContext): Promise<void> {
    const { rollouts, session, workerId, clock } = this.#options;
    const { run, groupKey, kind } = job;
    const { signal } = context;
    const takenAtMs = clock.monotonicMs();
    const spec = await rollouts.fetchGroup({ run, groupKey }, { signal });
    const { version, digest } = spec.weights ?? { version: 0, digest: "" };
    const assets = await this.#assets.get(spec, signal);
    const named = { kind, digest: spec.environmentDigest };
    const environment = await this.#waits.until(context.key, signal, () =>
      this.#environments.get(assets, named),
    );
    const sources = spec.weightSources;
    const wanted = { run, assets, version, digest, sources, reference: null };
    const conversations =
      spec.turns === undefined
        ? null
        : new GroupConversations(spec, { environment, assets, clock: this.#grading, signal });
    const sampled = await session.withWeights(wanted, signal, () =>
      this.#sample(spec, conversations, signal),
    );
    const grading = { environment, tokenizer: assets.tokenizer, signal };
    const { value: graded, ms } =
      conversations === null
        ? await this.#waits.until(context.key, signal, () =>
            this.#grading.measure(() => gradeRollouts(spec, sampled.rollouts, grading)),
          )
        : await conversations.finish(sampled.rollouts);
    const gradingMs = Math.round(ms);
    const weights = { version, digest: sampled.weights };
    const { runDigest } = spec;
    const ageMs = Math.round(clock.monotonicMs() - takenAtMs);
    const group = { run, groupKey, workerId, weights, rollouts: graded, gradingMs, runDigest };
    await rollouts.submitGroup({ ...group, ageMs }, { signal });
  }

  /** @throws NotFiniteError naming the weight version when its logits are not finite */
  async #sample(spec: GroupSpec, conversations: GroupConversations | null, signal: AbortSignal) {
    const { turns } = spec;
    const request = {
      id: spec.groupKey,
      promptIds: bytesToTokens(spec.promptTokens),
      count: spec.count,
      temperature: spec.temperature,
      maxNewTokens: spec.maxAnswerTokens,
      stopTokenIds: spec.stopTokens,
      seed: spec.seed as [number, ...number[]],
      earlyStop: spec.earlyStop ?? null,
      ...fromSamplingOptions(spec.sampling),
      turns: turns === undefined ? null : { maxTokens: turns.maxTokens || null },
    };
    const weights = spec.weights?.digest ?? "";
    try {
      const { engine } = this.#options;
      if (conversations === null) return await engine.call("sample", { request, weights }, signal);
      return await engine.converse(
        { request, weights },
        (turn) => conversations.take(turn),
        signal,
      );
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== "DATA_LOSS") throw error;
      throw new NotFiniteError(`weights version ${spec.weights?.version ?? 0} of run ${spec.run}`);
    }
  }
}

function fromSamplingOptions(options: GroupSpec["sampling"]): SamplingOptions {
  if (options === undefined) return {};
  const { topK, topP, minP, minAnswerTokens: minNewTokens, stop: stopStrings } = options;
  return { topK: topK === 0 ? null : topK, topP, minP, minNewTokens, stopStrings };
}
