import { cpus, totalmem } from "node:os";

import { createCpuDevice, type InstructionSet, measureFmaPeak } from "@gumshoe/kernels";

/** The machine of a benchmark, with its measured limit. */
export interface Machine {
  readonly processor: string;
  readonly threads: number;
  readonly instructionSet: InstructionSet;
  readonly memoryGib: number;
  readonly node: string;
  /** Fused multiply-adds in registers on all threads, measured now. */
  readonly fmaPeakGflops: number;
}

/** Describes this machine, and measures its peak. */
export function describeMachine(threads: number | null): Machine {
  const device = createCpuDevice(threads === null ? {} : { threads });
  try {
    return {
      processor: cpus()[0]?.model.trim() ?? "unknown",
      threads: device.threads,
      instructionSet: device.instructionSet,
      memoryGib: Math.round(totalmem() / 2 ** 30),
      node: process.version,
      fmaPeakGflops: Math.round(measureFmaPeak(device)),
    };
  } finally {
    device.dispose();
  }
}
