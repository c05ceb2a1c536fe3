import { ExactnessError, PlanLostError } from "../errors.js";
import type { ReducerPlan } from "../fleet/reducer-plan.js";
import type { RunModel } from "../plan/run-model.js";
import type { RunRecord } from "../run/run-record.js";
import type { Weights } from "../run/run-state.js";
import type { Checkpoints } from "./checkpoints.js";
import { type Reference, referenceOf } from "./reference.js";

/** Has the reducers of one plan serve the reference that trainers need. */
export class ReferenceService {
  readonly #record: RunRecord;
  readonly #plan: ReducerPlan;
  readonly #checkpoints: Checkpoints;
  readonly #model: RunModel;
  /** Version of the reference that is served. */
  #served: number | null = null;

  constructor(options: {
    readonly record: RunRecord;
    readonly plan: ReducerPlan;
    readonly checkpoints: Checkpoints;
    readonly model: RunModel;
  }) {
    this.#record = options.record;
    this.#plan = options.plan;
    this.#checkpoints = options.checkpoints;
    this.#model = options.model;
  }

  /**
   * Returns the reference of an iteration, once the reducers serve it; null for a loss without one.
   *
   * @param version  the reducers' weight version
   * @throws         PlanLostError when its checkpoint is damaged: an older one leads to the same weights
   */
  async of(iteration: number, version: number): Promise<Weights | null> {
    const { config, state } = this.#record;
    const reference = referenceOf(config, state, iteration);
    if (reference === null) return null;
    if (this.#served !== reference.weights.version) await this.#serve(reference, version);
    return reference.weights;
  }

  async #serve(reference: Reference, version: number): Promise<void> {
    const { weights } = reference;
    const isStart = reference.iteration === 0;
    const folder = isStart ? this.#model.folder : await this.#checkpoint(reference, version);
    const digest = await this.#plan.setReference({
      version: weights.version,
      folder,
      withOptimizer: !isStart,
      baseFolder: this.#model.base?.folder ?? "",
    });
    if (digest !== weights.digest) {
      const problem = `${folder} holds weights ${digest}, the ledger says ${weights.digest}`;
      if (isStart) throw new ExactnessError(problem);
      this.#checkpoints.discard(folder);
      throw new PlanLostError(this.#plan.id, problem);
    }
    this.#served = weights.version;
  }

  /** Returns the folder of a refreshed reference, which is written again if it is not intact. */
  async #checkpoint({ iteration, weights }: Reference, version: number): Promise<string> {
    const durable = this.#checkpoints.ofIteration(iteration);
    if (durable === null) throw new Error(`no checkpoint was written at iteration ${iteration}`);
    if (await this.#checkpoints.isUsable(durable)) return durable.folder;
    if (version !== weights.version) {
      throw new PlanLostError(this.#plan.id, `${durable.folder} is damaged`);
    }
    await this.#checkpoints.restore(this.#plan, durable);
    return durable.folder;
  }
}
