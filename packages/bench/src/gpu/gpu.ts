/**
 * What a GPU does, beside its own limits, which are measured in the same run: every kernel, the cost of a launch, and
 * copies.
 */
import { createSharedMemory, type Device, ops, PeakProbe } from "@gumshoe/kernels";

import { shapeConfig } from "../engine/shapes.js";
import { type Figure, median } from "../figure.js";
import { type Job, Workload } from "../kernels/workload.js";
import type { BenchSettings } from "../settings.js";

/** How much is measured. */
interface Effort {
  readonly repeats: number;
  /** Time of one measurement at least, in ms. */
  readonly leastMs: number;
  /** Elements of vectors that no cache holds. */
  readonly memoryLength: number;
  /** Elements of a copy between host and GPU. */
  readonly copyLength: number;
  /** Launches of a list whose cost is measured. */
  readonly launches: number;
}

const FULL: Effort = {
  repeats: 7,
  leastMs: 10,
  memoryLength: 2 ** 26,
  copyLength: 2 ** 26,
  launches: 1000,
};
/** For an emulated GPU, whose figures say nothing: only that all of this runs. */
const LEAST: Effort = {
  repeats: 1,
  leastMs: 0,
  memoryLength: 2 ** 16,
  copyLength: 2 ** 20,
  launches: 20,
};

const F32_BYTES = 4;

/** Times the kernels at the shapes of a model, launches and copies. */
export function benchGpu({ shape, openDevice, onProgress }: BenchSettings): Figure[] {
  const device = openDevice();
  try {
    const effort = device.name.includes("Emulated") ? LEAST : FULL;
    onProgress("limits", 0);
    const limits = limitsOf(device, effort);
    const figures = limits.figures();
    const jobs = new Workload(device, shapeConfig(shape)).jobs();
    for (const [i, job] of jobs.entries()) {
      onProgress(`${job.name} ${job.shape}`, i / (jobs.length + 1));
      figures.push(timeJob(device, job, { limit: limits[job.unit], effort }));
    }
    onProgress("launches and copies", jobs.length / (jobs.length + 1));
    return [...figures, ...launchCosts(device, effort), ...copies(device, effort)];
  } finally {
    device.dispose();
  }
}

/** Work that returns the floating-point operations or bytes of one run. */
type Limit = () => number;

function limitsOf(device: Device, effort: Effort) {
  // As many steps as the measurement needs.
  let rounds = 1;
  let probe = new PeakProbe(device, rounds);
  probe.run();
  while (milliseconds(() => probe.run()) < effort.leastMs) {
    probe.free();
    rounds *= 4;
    probe = new PeakProbe(device, rounds);
  }
  const { memoryLength: length } = effort;
  const [x, y] = [device.alloc("f32", length), device.alloc("f32", length)];
  const adding = device.createCommandList();
  for (let i = 0; i < 16; i++) ops.add(adding, { x, y, length });
  const flops: Limit = () => probe.run();
  const bytes: Limit = () => {
    adding.run();
    return 16 * 3 * F32_BYTES * length;
  };
  const figures = (): Figure[] => [
    { name: "limit", shape: "FMA in registers", ...rateOf(flops, effort), unit: "GFLOP/s" },
    {
      name: "limit",
      shape: `add, ${length / 2 ** 20} Mi elements`,
      ...rateOf(bytes, effort),
      unit: "GB/s",
    },
  ];
  return { "GFLOP/s": flops, "GB/s": bytes, figures };
}

/** Times a kernel in a list that has it often enough, alternating with its limit. */
function timeJob(
  device: Device,
  job: Job,
  { limit, effort }: { limit: Limit; effort: Effort },
): Figure {
  const list = device.createCommandList();
  let copies = 0;
  const add = (count: number) => {
    for (; copies < count; copies++) job.record(list);
    // Loads the kernel; the next run is a graph.
    list.run();
    list.run();
  };
  add(1);
  while (milliseconds(() => list.run()) < effort.leastMs) add(2 * copies);
  const run = () => {
    list.run();
    return job.work * copies;
  };
  const [rates, bounds]: [number[], number[]] = [[], []];
  for (let i = 0; i < effort.repeats; i++) {
    bounds.push(rate(limit));
    rates.push(rate(run));
  }
  const share = median(rates.map((value, i) => value / (bounds[i] as number)));
  const { name, shape, unit } = job;
  list.reset();
  return { name, shape, median: median(rates), unit, limit: median(bounds), share };
}

/** What a launch costs: recorded and launched each time, as a graph, and a list of one with its waiting. */
function launchCosts(device: Device, { launches, repeats }: Effort): Figure[] {
  const x = device.alloc("f32", 1);
  const list = device.createCommandList();
  const record = (count: number) => {
    list.reset();
    for (let i = 0; i < count; i++) ops.fill(list, { x, value: i, length: 1 });
  };
  const cost = (shape: string, count: number, work: () => void): Figure => {
    work();
    const times = Array.from({ length: repeats }, () => (1000 * milliseconds(work)) / count);
    return { name: "launch", shape, median: median(times), unit: "us" };
  };
  const all = [
    cost(`${launches} recorded and launched`, launches, () => {
      record(launches);
      list.run();
    }),
    cost(`${launches} as a graph`, launches, () => list.run()),
    cost("1, until it has ended", 1, () => {
      record(1);
      list.run();
    }),
  ];
  list.reset();
  device.free(x);
  return all;
}

function copies(device: Device, effort: Effort): Figure[] {
  const { copyLength: length } = effort;
  const [values, tensor] = [new Float32Array(length), device.alloc("f32", length)];
  const bytes = F32_BYTES * length;
  const shape = `${bytes / 2 ** 20} MiB`;
  const copy = (name: string, work: () => void): Figure => {
    const limit = () => (work(), bytes);
    return { name, shape, ...rateOf(limit, effort), unit: "GB/s" };
  };
  // Nothing is on its way after a read.
  const drain = () => device.read(tensor, values.subarray(0, 1));
  const figures = [
    copy("copy to the GPU", () => {
      device.write(tensor, values);
      drain();
    }),
    copy("copy from the GPU", () => device.read(tensor, values)),
  ];
  const descriptor = createSharedMemory(length);
  if (descriptor !== null) {
    const map = () => device.free(device.map(descriptor, length, { writable: false }));
    figures.push(copy("map, pin and copy", map));
  }
  device.free(tensor);
  return figures;
}

function rateOf(work: Limit, { repeats }: Effort): { median: number } {
  work();
  return { median: median(Array.from({ length: repeats }, () => rate(work))) };
}

/** Times some work; returns billions of its units per second. */
function rate(work: Limit): number {
  const startedAtMs = performance.now();
  return work() / (performance.now() - startedAtMs) / 1e6;
}

function milliseconds(work: () => unknown): number {
  const startedAtMs = performance.now();
  work();
  return performance.now() - startedAtMs;
}
