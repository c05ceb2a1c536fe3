import type { CommandList, Device } from "./device.js";
import { record } from "./record.js";

const ROUNDS = 2_000_000;

/**
 * Measures the device's peak: fused multiply-adds in registers on all threads.
 *
 * @returns GFLOP/s, the median of five runs
 */
export function measureFmaPeak(device: Device): number {
  const probe = new PeakProbe(device, ROUNDS);
  const rates: number[] = [];
  for (let run = 0; run < 5; run++) {
    const start = performance.now();
    const work = probe.run();
    rates.push(work / (performance.now() - start) / 1e6);
  }
  probe.free();
  rates.sort((a, b) => a - b);
  return rates[2] as number;
}

/** Chains of fused multiply-adds in registers only, to be timed. */
export class PeakProbe {
  readonly #device: Device;
  readonly #list: CommandList;
  readonly #operations;
  readonly #counted = new Float64Array(1);

  constructor(device: Device, rounds: number) {
    this.#device = device;
    this.#list = device.createCommandList();
    this.#operations = device.alloc("f64", 1);
    const flops = this.#operations;
    record(this.#list, "fmaPeak", { flops: [flops, "f64", 1] }, ["flops", rounds]);
  }

  /** Runs once; returns the number of floating-point operations. */
  run(): number {
    this.#list.run();
    this.#device.read(this.#operations, this.#counted);
    return this.#counted[0] as number;
  }

  free(): void {
    this.#device.free(this.#operations);
  }
}
