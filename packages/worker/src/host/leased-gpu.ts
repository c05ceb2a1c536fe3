import type { Clock, Logger } from "@gumshoe/core";
import type { ListedGpu } from "@gumshoe/gpu";
import { Fence, FenceHeldError, type RedisLink } from "@gumshoe/queue";

import { GpuLeaseLostError } from "../errors.js";

/** Interval at which a worker without a GPU looks for a free one, in ms. */
const ASK_EVERY_MS = 2000;

/** The parts that a lease works with. */
interface LeaseOptions {
  readonly redis: RedisLink;
  /** Describes this process, for others: `trainer on host a, pid 12`. */
  readonly holder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Called once, when another worker has the GPU: this process must end at once. */
  readonly onLost: (error: Error) => void;
}

/** A GPU that no other worker of the cluster uses. */
export interface LeasedGpu {
  readonly ordinal: number;
  /** Idempotent. */
  release(): Promise<void>;
}

/**
 * Acquires the lease of a GPU that no other worker of the cluster holds, and waits while there is none. The lease ends with the
 * process: at once where other workers can see that it has ended, otherwise after some seconds.
 *
 * @throws the signal's reason
 */
export async function leaseGpu(
  gpus: readonly ListedGpu[],
  options: LeaseOptions,
): Promise<LeasedGpu> {
  const { clock, logger, signal } = options;
  let reported = "";
  for (;;) {
    signal.throwIfAborted();
    const holders: string[] = [];
    for (const gpu of gpus) {
      const taken = await tryLease(gpu, options);
      if (typeof taken !== "string") return taken;
      holders.push(`cuda:${gpu.ordinal} by ${taken}`);
    }
    const problem = `waiting for a free GPU: ${holders.join(", ")}`;
    if (problem !== reported) logger.warn(problem);
    reported = problem;
    await clock.sleep(ASK_EVERY_MS, signal);
  }
}

/** Acquires the lease of a GPU; returns the description of its holder when another worker holds it. */
async function tryLease(gpu: ListedGpu, options: LeaseOptions): Promise<LeasedGpu | string> {
  const { redis, holder, clock, logger, onLost } = options;
  try {
    const fence = await Fence.acquire({
      redis,
      holder,
      clock,
      logger,
      name: `gpu:${gpu.uuid}`,
      waitMs: 0,
      onLost: () => onLost(new GpuLeaseLostError(gpu.ordinal)),
    });
    return { ordinal: gpu.ordinal, release: () => fence.release() };
  } catch (error) {
    if (error instanceof FenceHeldError) return error.holder;
    throw error;
  }
}
