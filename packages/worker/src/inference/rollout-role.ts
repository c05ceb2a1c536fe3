import { errorMessage, type Logger } from "@gumshoe/core";
import { type SampledRollout } from "@gumshoe/engine";
import {
  floatsToBytes,
  type GroupSpec,
  type JobOf,
  type RolloutResult,
  type RolloutService,
  type RpcClient,
} from "@gumshoe/protocol";
import { gradeTask, type GraderName, type Task, taskFromJson } from "@gumshoe/puzzles";
import { type JobContext } from "@gumshoe/queue";
import { RunConfig } from "@gumshoe/protocol";

import { type EngineThread } from "../engine/engine-thread.js";
import { type RunModel, type RunModels } from "../host/run-models.js";
import { type WeightKeeper } from "../weights/weight-keeper.js";

/** What an inference worker works with. */
export interface RolloutRoleOptions {
  readonly workerId: string;
  readonly engine: EngineThread;
  readonly rollouts: RpcClient<typeof RolloutService>;
  readonly models: RunModels;
  readonly weights: WeightKeeper;
  readonly logger: Logger;
}

/** Does rollout jobs: samples a group from the weights it names, grades it, hands it in. */
export class RolloutRole {
  readonly #options: RolloutRoleOptions;
  readonly #graders = new Map<string, Promise<GraderName>>();

  constructor(options: RolloutRoleOptions) {
    this.#options = options;
  }

  /** Does one job; idempotent by the group key. */
  async handle(job: JobOf<"rollout">, context: JobContext): Promise<void> {
    const { rollouts, models, weights } = this.#options;
    const { run, groupKey } = job;
    const { signal } = context;
    const spec = await rollouts.fetchGroup({ run, groupKey }, { signal });
    const model = await models.of(run);
    const grader = await this.#graderOf(run);
    const wanted = spec.weights ?? { version: 0, digest: "" };
    const sources = spec.weightSources;
    const sampled = await weights.during({ run, ...wanted, sources }, () => this.#sample(spec));
    await rollouts.submitGroup(
      {
        run,
        groupKey,
        workerId: this.#options.workerId,
        weights: wanted,
        rollouts: gradeAll(spec, sampled, { model, grader }),
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

  #graderOf(run: string): Promise<GraderName> {
    let grader = this.#graders.get(run);
    if (grader === undefined) {
      grader = this.#fetchGrader(run);
      grader.catch(() => this.#graders.delete(run));
      this.#graders.set(run, grader);
    }
    return grader;
  }

  async #fetchGrader(run: string): Promise<GraderName> {
    const { configJson } = await this.#options.rollouts.getRunAssets({ run });
    const config = RunConfig.parse(JSON.parse(configJson));
    return config.type === "grpo" ? config.tasks.grader : config.grader;
  }
}

function gradeAll(
  spec: GroupSpec,
  sampled: readonly SampledRollout[],
  how: { model: RunModel; grader: GraderName },
): RolloutResult[] {
  const task = taskFromJson(spec.taskJson);
  return sampled.map(({ tokens, logprobs, finish }) => {
    const text = how.model.tokenizer.decode([...tokens], { skipSpecialTokens: true });
    return {
      tokens: [...tokens],
      logprobs: floatsToBytes(logprobs),
      finish,
      text,
      ...gradeOne(task, text, how.grader),
    };
  });
}

/** A reply that cannot be scored is no wrong reply: it has no reward. */
function gradeOne(
  task: Task,
  text: string,
  grader: GraderName,
): Pick<RolloutResult, "reward" | "gradingError" | "metrics"> {
  try {
    const { reward, metrics } = gradeTask(task, text, grader);
    return { reward: reward ?? undefined, gradingError: "", metrics: { ...metrics } };
  } catch (error) {
    return { reward: undefined, gradingError: errorMessage(error), metrics: {} };
  }
}
