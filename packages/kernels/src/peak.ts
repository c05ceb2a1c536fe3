import { type Device } from "./device.js";
import { record } from "./record.js";

const ROUNDS = 2_000_000;

/**
 * Measures what the device could do at best: fused multiply-adds in registers on all threads.
 *
 * @returns GFLOP/s, the median of five runs
 */
export function measureFmaPeak(device: Device): number {
  const list = device.createCommandList();
  const flops = device.alloc("f64", 1);
  record(list, "fmaPeak", { flops: [flops, "f64", 1] }, ["flops", ROUNDS]);
  const counted = new Float64Array(1);
  const rates: number[] = [];
  for (let run = 0; run < 5; run++) {
    const start = performance.now();
    list.run();
    const seconds = (performance.now() - start) / 1000;
    device.read(flops, counted);
    rates.push((counted[0] as number) / seconds / 1e9);
  }
  device.free(flops);
  rates.sort((a, b) => a - b);
  return rates[2] as number;
}
