import { type Device, measureFmaPeak } from "@gumshoe/kernels";

import { median } from "../figure.js";

const MIN_STEPS = 3;

/** Duration of a step, compared with the device's peak measured at the same time. */
export interface StepTime {
  /** Median. */
  readonly seconds: number;
  /** Time that the step's operations would take at the device's peak, in seconds; median. */
  readonly limitSeconds: number;
  /** Median of limit / time over adjacent pairs: valid on a machine with other load, too. */
  readonly share: number;
}

/**
 * Times repeated steps until the time is used up, and the device's peak between the steps. The
 * first step, which allocates the buffers, is not counted.
 *
 * @param flops    floating-point operations of a step
 * @param seconds  time for the steps
 */
export function timeSteps(
  device: Device,
  step: () => void,
  { flops, seconds }: { flops: number; seconds: number },
): StepTime {
  step();
  const times: number[] = [];
  const limits: number[] = [];
  let spent = 0;
  while (times.length < MIN_STEPS || spent < seconds) {
    limits.push(flops / measureFmaPeak(device) / 1e9);
    const startedAtMs = performance.now();
    step();
    const duration = (performance.now() - startedAtMs) / 1000;
    times.push(duration);
    spent += duration;
  }
  const shares = times.map((time, i) => (limits[i] ?? 0) / time);
  return { seconds: median(times), limitSeconds: median(limits), share: median(shares) };
}
