import { InvalidArgumentError } from "@gumshoe/core";
import { createCpuDevice, type Device, ops, PeakProbe } from "@gumshoe/kernels";

import { shapeConfig, type ShapeName } from "../engine/shapes.js";
import { type Figure, median } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { type Job, Workload } from "./workload.js";

/** Models whose kernels are timed; the head of a larger model would take gigabytes. */
const TIMED_SHAPES: readonly ShapeName[] = ["2m", "25m"];
const REPEATS = 9;
/** Long enough to be timed, short enough to be rarely interrupted, in ms. */
const LEAST_MS = 2;
/** FMA iterations that take about as long on one core. */
const PEAK_ROUNDS = 200_000;
/** Elements of the vectors whose addition measures the memory limit: larger than the caches. */
const MEMORY_LENGTH = 1 << 23;

/** Runs a limit measurement; returns the floating-point operations or bytes of one run. */
type Limits = Readonly<Record<Job["unit"], () => number>>;

/**
 * Times every kernel at the shapes of a real model, alternating with runs of its limit, so that
 * ratios are valid on a machine with other load, too.
 *
 * The limits are the device's FMA peak and the addition of large vectors. A share is the median of
 * rate / limit; it exceeds 1 for kernels that run in a cache.
 */
export function benchKernels({ shape, threads }: BenchSettings): Figure[] {
  if (!TIMED_SHAPES.includes(shape)) {
    const problem = `kernels are timed for ${TIMED_SHAPES.join(" and ")}, not ${shape}`;
    throw new InvalidArgumentError("--shape", problem);
  }
  const device = createCpuDevice(threads === null ? {} : { threads });
  try {
    const limits = limitsOf(device);
    const jobs = new Workload(device, shapeConfig(shape)).jobs();
    return jobs.map((job) => timeJob(device, job, limits[job.unit]));
  } finally {
    device.dispose();
  }
}

function limitsOf(device: Device): Limits {
  const peak = new PeakProbe(device, PEAK_ROUNDS);
  const x = device.alloc("f32", MEMORY_LENGTH);
  const y = device.alloc("f32", MEMORY_LENGTH);
  const adding = device.createCommandList();
  ops.add(adding, { x, y, length: MEMORY_LENGTH });
  return {
    "GFLOP/s": () => peak.run(),
    "GB/s": () => {
      adding.run();
      return 12 * MEMORY_LENGTH;
    },
  };
}

function timeJob(device: Device, job: Job, limit: () => number): Figure {
  const list = device.createCommandList();
  job.record(list);
  let inner = 1;
  const run = () => {
    for (let i = 0; i < inner; i++) list.run();
    return job.work * inner;
  };
  run();
  while ((job.work * inner) / rate(run) / 1e6 < LEAST_MS) inner *= 2;
  const rates: number[] = [];
  const bounds: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    bounds.push(rate(limit));
    rates.push(rate(run));
  }
  const share = median(rates.map((value, i) => value / (bounds[i] as number)));
  const { name, shape, unit } = job;
  return { name, shape, median: median(rates), unit, limit: median(bounds), share };
}

/** Times some work; returns billions of its units per second. */
function rate(work: () => number): number {
  const startedAtMs = performance.now();
  return work() / (performance.now() - startedAtMs) / 1e6;
}
