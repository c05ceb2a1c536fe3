import type { RunConfig } from "@gumshoe/config";

import type { RunState } from "../run/run-state.js";
import { tierOf } from "./curriculum.js";
import type { GroupPlan, GroupPlanner } from "./group-planner.js";
import { checkRecordedTasks, firstTask, numTrainGroups } from "./replacements.js";
import type { TaskPlan } from "./task-plan.js";

/** Plans the groups that iterations learn from; a plan is requested more than once, and kept until then. */
export class TrainPlans {
  readonly #config: RunConfig;
  readonly #state: RunState;
  readonly #planner: GroupPlanner;
  readonly #tasks: TaskPlan;
  readonly #planned = new Map<number, readonly GroupPlan[]>();

  constructor(options: {
    readonly config: RunConfig;
    readonly state: RunState;
    readonly planner: GroupPlanner;
    readonly tasks: TaskPlan;
  }) {
    this.#config = options.config;
    this.#state = options.state;
    this.#planner = options.planner;
    this.#tasks = options.tasks;
  }

  /**
   * Plans the groups of an iteration that the ledger has, before it is planned its first ones.
   *
   * @param more  number of further groups, which the ledger does not have yet
   */
  async of(iteration: number, more = 0): Promise<readonly GroupPlan[]> {
    const config = this.#config;
    const state = this.#state;
    if (config.type !== "grpo") return [];
    const known = this.#planned.get(iteration) ?? [];
    const missing = numTrainGroups(config, state, iteration) + more - known.length;
    if (missing === 0) return known;
    const first = firstTask(config, state, iteration) + known.length;
    const tier = tierOf(config, state, iteration);
    const tasks = this.#tasks.draw(first, missing, tier);
    const plans = [...known, ...(await this.#planner.train(iteration, tasks, known.length))];
    const hashes = plans.map(({ contentHash }) => contentHash);
    checkRecordedTasks(state, iteration, { hashes, perIteration: config.tasks.perIteration });
    this.#planned.set(iteration, plans);
    return plans;
  }

  /** Frees the plans of the iterations up to one, which has learnt. */
  dropUntil(iteration: number): void {
    for (const one of this.#planned.keys()) if (one <= iteration) this.#planned.delete(one);
  }
}
