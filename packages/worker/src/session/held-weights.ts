import type { Logger } from "@gumshoe/core";
import type { Region } from "@gumshoe/tensors";

import { WrongWeightsError } from "../errors.js";
import type { RequiredVector, WeightRegions } from "./weight-regions.js";

/** Dependencies of held weights. */
export interface HeldWeightsOptions {
  readonly regions: WeightRegions;
  readonly logger: Logger;
  /** Makes the engine read a region; returns the digest that it computes of its content. */
  readonly set: (region: Region) => Promise<string>;
}

/** One vector that an engine reads: it finds a region that holds it, and keeps the region open meanwhile. */
export class HeldWeights {
  readonly #options: HeldWeightsOptions;
  #held: { digest: string; region: Region } | null = null;

  constructor(options: HeldWeightsOptions) {
    this.#options = options;
  }

  /** Digest of the vector; null if there is none. */
  get digest(): string | null {
    return this.#held?.digest ?? null;
  }

  /**
   * Makes the engine read a vector. The region that it read before must have been released.
   *
   * @throws WrongWeightsError; RpcError when a source does not hold it (any more); the signal's reason
   */
  async take(wanted: RequiredVector, signal: AbortSignal): Promise<void> {
    const { regions } = this.#options;
    const { digest } = wanted;
    const found = regions.find(wanted);
    if (found !== null && (await this.#set(wanted, found)) !== digest) regions.discard(wanted);
    if (this.#held === null) {
      const offered = await regions.ofReducers(wanted, signal);
      if (offered !== null) await this.#set(wanted, offered);
    }
    if (this.#held !== null) return;
    const got = await regions.pulled(wanted, signal, (region) => this.#set(wanted, region));
    if (got !== digest) throw new WrongWeightsError(wanted.tensor, digest, got);
  }

  /** Closes the region, which the engine must no longer read. */
  release(): void {
    if (this.#held === null) return;
    this.#options.regions.release(this.#held.digest, this.#held.region);
    this.#held = null;
  }

  /** Returns the digest of a region's content. Keeps the region if it is the wanted one. */
  async #set(wanted: RequiredVector, region: Region): Promise<string> {
    const { regions, logger } = this.#options;
    const { run, tensor, digest } = wanted;
    let got: string;
    try {
      got = await this.#options.set(region);
    } catch (error) {
      region.close();
      throw error;
    }
    if (got === digest) {
      this.#held = { digest, region };
      regions.publish(wanted, region);
    } else {
      logger.warn({ run, tensor, digest, got }, "weights have the wrong digest");
      region.close();
    }
    return got;
  }
}
