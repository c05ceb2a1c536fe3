import { InvalidArgumentError } from "@gumshoe/core";
import { BENCH_SHAPES, benchKernels as timeKernels, createCpuDevice } from "@gumshoe/kernels";

import { type Figure } from "./figure.js";
import { type BenchSettings } from "./settings.js";

/** Times every kernel of a shape, each beside its limit. */
export function benchKernels({ shape, threads }: BenchSettings): Figure[] {
  const shapes = BENCH_SHAPES.filter(({ name }) => name === shape);
  if (shapes.length === 0) {
    const names = BENCH_SHAPES.map(({ name }) => name).join(" and ");
    throw new InvalidArgumentError("--shape", `kernels are timed for ${names}, not ${shape}`);
  }
  const device = createCpuDevice(threads === null ? {} : { threads });
  try {
    return timeKernels(device, { shapes });
  } finally {
    device.dispose();
  }
}
