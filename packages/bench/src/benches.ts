import type { Figure } from "./figure.js";
import type { BenchSettings } from "./settings.js";

type Bench = (settings: BenchSettings) => Promise<readonly Figure[]>;

/**
 * The benchmarks by name, as in `gumshoe bench`. Each is imported when it is called: the libraries
 * of Redis and the workers take longer to load than most commands of the CLI take to run.
 */
export const BENCHES = {
  kernels: async (settings) => (await import("./kernels/kernels.js")).benchKernels(settings),
  gpu: async (settings) => (await import("./gpu/gpu.js")).benchGpu(settings),
  train: async (settings) => (await import("./engine/train.js")).benchTrain(settings),
  rollout: async (settings) => (await import("./engine/rollout.js")).benchRollout(settings),
  serve: async (settings) => (await import("./serve/serve.js")).benchServe(settings),
  iteration: async (settings) => (await import("./engine/iteration.js")).benchIteration(settings),
  puzzles: async (settings) => (await import("./puzzles.js")).benchPuzzles(settings),
  memory: async (settings) => (await import("./memory/memory.js")).benchMemory(settings),
  wire: async (settings) => (await import("./wire/wire.js")).benchWire(settings),
  queue: async (settings) => (await import("./queue.js")).benchQueue(settings),
  fleet: async (settings) => (await import("./fleet/fleet.js")).benchFleet(settings),
  watchers: async (settings) => (await import("./watchers/watchers.js")).benchWatchers(settings),
} as const satisfies Record<string, Bench>;

/** The name of a benchmark. */
export type BenchName = keyof typeof BENCHES;
