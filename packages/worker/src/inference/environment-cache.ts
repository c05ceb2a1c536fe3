import { openEnvironment } from "@gumshoe/environments";
import { type JobOf } from "@gumshoe/protocol";
import { type Environment } from "@gumshoe/puzzles";

import { type RunAssets } from "../session/run-assets.js";

type Kind = JobOf<"rollout">["kind"];

/** Environments of so many runs and kinds are kept. */
const MAX_KEPT = 8;

/** Opens the environments that answers are graded by, and keeps the last few by what they were made from. */
export class EnvironmentCache {
  /** In the order of their last use. */
  readonly #kept = new Map<string, Promise<Environment>>();

  /** Returns the environment of a run's training or validation tasks. */
  get(assets: RunAssets, kind: Kind): Promise<Environment> {
    const key = `${assets.digest} ${kind}`;
    const environment = this.#kept.get(key) ?? this.#open(assets, kind, key);
    this.#kept.delete(key);
    this.#kept.set(key, environment);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return environment;
  }

  async #open(assets: RunAssets, kind: Kind, key: string): Promise<Environment> {
    try {
      const environment = await openEnvironment(assets.config, kind);
      if (environment === null) throw new Error(`the run has no ${kind} tasks`);
      return environment;
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}
