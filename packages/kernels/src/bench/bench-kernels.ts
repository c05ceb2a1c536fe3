import { type Device } from "../device.js";
import { add } from "../ops/rows.js";
import { PeakProbe } from "../peak.js";
import { type BenchShape, type Job, Workload } from "./workload.js";

/** The speed of one kernel at one shape. */
export interface KernelFigure {
  readonly name: string;
  readonly shape: string;
  /** Median of the timed runs. */
  readonly median: number;
  readonly unit: "GFLOP/s" | "GB/s";
  /** What this device can do at best, measured by the same program: FMA peak, or adding large vectors. */
  readonly limit: number;
  /** Median of rate / limit; above 1 for what runs in a cache instead of memory. */
  readonly share: number;
}

/** Two small models: one that learns on a laptop in minutes, one of 25 million parameters. */
export const BENCH_SHAPES: readonly BenchShape[] = [
  {
    name: "2m",
    vocabulary: 512,
    width: 192,
    intermediate: 512,
    heads: 6,
    kvHeads: 2,
    headDim: 32,
  },
  {
    name: "25m",
    vocabulary: 4096,
    width: 512,
    intermediate: 1408,
    heads: 8,
    kvHeads: 4,
    headDim: 64,
  },
];

/** Long enough to be timed, short enough that a busy machine interrupts few. */
const LEAST_MS = 2;
/** About as long on one core. */
const PEAK_ROUNDS = 200_000;
/** Elements of the vectors that are added for the memory limit: more than caches hold. */
const MEMORY_LENGTH = 1 << 23;

/**
 * Times the kernels at the shapes of real models, each run beside a run of its limit, so that shares hold
 * on a machine that does other work too.
 *
 * @param repeats  timed runs of each; medians count
 * @param filter   times only kernels whose name holds this text
 * @param now      milliseconds; a clock of processor time also works, with one thread
 */
export function benchKernels(
  device: Device,
  options: {
    shapes?: readonly BenchShape[];
    repeats?: number;
    filter?: string;
    now?: () => number;
  } = {},
): KernelFigure[] {
  const {
    shapes = BENCH_SHAPES,
    repeats = 9,
    filter = "",
    now = () => performance.now(),
  } = options;
  const peak = new PeakProbe(device, PEAK_ROUNDS);
  const [x, y] = [device.alloc("f32", MEMORY_LENGTH), device.alloc("f32", MEMORY_LENGTH)];
  const adding = device.createCommandList();
  add(adding, { x, y, length: MEMORY_LENGTH });
  const limits: Record<Job["unit"], () => number> = {
    "GFLOP/s": () => peak.run(),
    "GB/s": () => {
      adding.run();
      return 12 * MEMORY_LENGTH;
    },
  };
  const figures: KernelFigure[] = [];
  for (const shape of shapes) {
    const workload = new Workload(device, shape);
    for (const job of workload.jobs()) {
      if (job.name.includes(filter)) {
        figures.push(timeJob(device, job, { limit: limits[job.unit], repeats, now }));
      }
    }
    workload.free();
  }
  peak.free();
  device.free(x);
  device.free(y);
  return figures;
}

function timeJob(
  device: Device,
  job: Job,
  options: { limit: () => number; repeats: number; now: () => number },
): KernelFigure {
  const { limit, repeats, now } = options;
  const list = device.createCommandList();
  job.record(list);
  let inner = 1;
  const run = () => {
    for (let i = 0; i < inner; i++) list.run();
    return job.work * inner;
  };
  // Billions of units of work per second.
  const rate = (work: () => number) => {
    const start = now();
    return work() / (now() - start) / 1e6;
  };
  run();
  while ((job.work * inner) / rate(run) / 1e6 < LEAST_MS) inner *= 2;
  const rates: number[] = [];
  const bounds: number[] = [];
  for (let i = 0; i < repeats; i++) {
    bounds.push(rate(limit));
    rates.push(rate(run));
  }
  const share = median(rates.map((value, i) => value / (bounds[i] as number)));
  const { name, shape, unit } = job;
  return { name, shape, median: median(rates), unit, limit: median(bounds), share };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number;
}
