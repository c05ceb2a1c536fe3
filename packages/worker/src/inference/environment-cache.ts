import { openEnvironment, type RunEnvironment } from "@gumshoe/environments";
import type { JobOf } from "@gumshoe/protocol";

import { OtherEnvironmentError } from "../errors.js";
import type { RunAssets } from "../session/run-assets.js";

type Kind = JobOf<"rollout">["kind"];

/** Number of environments that are kept. */
const MAX_KEPT = 8;

/** Opens the environments that grade answers, and caches the most recently used ones by their content. */
export class EnvironmentCache {
  /** Least recently used first. */
  readonly #kept = new Map<string, Promise<RunEnvironment>>();

  /**
   * Returns the environment of a run's training, validation or report tasks.
   *
   * @throws OtherEnvironmentError when its files on this machine differ from the coordinator's
   */
  get(assets: RunAssets, wanted: { kind: Kind; digest: string }): Promise<RunEnvironment> {
    const key = `${assets.digest} ${wanted.kind} ${wanted.digest}`;
    const environment = this.#kept.get(key) ?? this.#open(assets, wanted, key);
    this.#kept.delete(key);
    this.#kept.set(key, environment);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) void this.#drop(oldest);
    return environment;
  }

  /** Closes all environments. */
  async close(): Promise<void> {
    await Promise.all([...this.#kept.keys()].map((key) => this.#drop(key)));
  }

  async #drop(key: string): Promise<void> {
    const environment = this.#kept.get(key);
    this.#kept.delete(key);
    await environment?.then((one) => one.close()).catch(() => undefined);
  }

  async #open(
    assets: RunAssets,
    { kind, digest }: { kind: Kind; digest: string },
    key: string,
  ): Promise<RunEnvironment> {
    try {
      const environment = await openEnvironment(assets.config, kind);
      if (environment === null) throw new Error(`the run has no ${kind} tasks`);
      if (environment.digest === digest) return environment;
      await environment.close();
      throw new OtherEnvironmentError(kind, digest, environment.digest);
    } catch (error) {
      this.#kept.delete(key);
      throw error;
    }
  }
}
