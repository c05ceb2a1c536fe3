import type { RunConfig } from "@gumshoe/config";

import type { TrainPlans } from "../plan/train-plans.js";
import type { RunRecord } from "../run/run-record.js";
import { batchFromGroups } from "./batch-from-groups.js";
import type { SupervisedBatches } from "./supervised-batches.js";
import type { TrainingBatch } from "./training-batch.js";

/** The training data of iterations; a batch is requested more than once, and kept until then. */
export class IterationBatches {
  readonly #record: RunRecord;
  readonly #config: RunConfig;
  readonly #examples: SupervisedBatches | null;
  readonly #plans: TrainPlans;
  readonly #made = new Map<number, TrainingBatch>();

  /** @param options.examples  the data of a supervised run; null for a run that samples */
  constructor(options: {
    readonly record: RunRecord;
    readonly examples: SupervisedBatches | null;
    readonly plans: TrainPlans;
  }) {
    this.#record = options.record;
    this.#config = options.record.config;
    this.#examples = options.examples;
    this.#plans = options.plans;
  }

  /** Returns the batch of an iteration whose groups are all in the ledger. */
  async of(iteration: number): Promise<TrainingBatch> {
    if (this.#examples !== null) return this.#examples.of(iteration);
    if (this.#config.type !== "grpo") throw new Error("a run has examples, or samples its own");
    const known = this.#made.get(iteration);
    if (known !== undefined) return known;
    const plans = await this.#plans.of(iteration);
    const batch = await batchFromGroups(this.#record, this.#config, { iteration, plans });
    this.#made.set(iteration, batch);
    return batch;
  }

  /** Frees the batches of the iterations up to one, which has learnt. */
  dropUntil(iteration: number): void {
    for (const one of this.#made.keys()) if (one <= iteration) this.#made.delete(one);
  }
}
