/** Compares the memory that real runs take with what was planned for them. */
import { InvalidArgumentError } from "@gumshoe/core";

import type { Figure } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { ProcessMemory } from "./process-memory.js";

const BYTES_PER_GB = 1e9;

/**
 * Measures the peak of all processes of each run, one run after another.
 *
 * @throws InvalidArgumentError when no config is named, or the system reports no proportional set sizes
 */
export async function benchMemory(settings: BenchSettings): Promise<Figure[]> {
  const { configs, startRun, onProgress } = settings;
  if (process.platform !== "linux") throw new InvalidArgumentError("memory", "needs Linux");
  if (configs.length === 0) {
    throw new InvalidArgumentError("--config", "is missing: name the runs that are measured");
  }
  const figures: Figure[] = [];
  for (const [index, config] of configs.entries()) {
    onProgress(config, index / configs.length);
    const run = await startRun(config);
    const memory = new ProcessMemory(run.pid);
    let peaks;
    try {
      await run.ended;
    } finally {
      peaks = memory.stop();
    }
    const { allBytes, atPeak } = peaks;
    const add = (name: string, median: number, unit: string) =>
      figures.push({ name, shape: run.name, median, unit });
    add("planned peak", run.plannedBytes / BYTES_PER_GB, "GB");
    add("measured peak", allBytes / BYTES_PER_GB, "GB");
    add("planned / measured", run.plannedBytes / allBytes, "");
    for (const [role, bytes] of Object.entries(atPeak)) {
      add(`${role} at that peak`, bytes / BYTES_PER_GB, "GB");
    }
  }
  return figures;
}
