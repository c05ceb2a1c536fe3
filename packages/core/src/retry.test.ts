import { describe, expect, test } from "vitest";
import type { Clock } from "./clock.js";
import { ClusterError } from "./errors.js";
import { retry, type RetryNotice } from "./retry.js";

/** A clock that advances only by sleeping. */
class FakeClock implements Clock {
  readonly sleeps: number[] = [];

  now(): number {
    return this.monotonicMs();
  }

  monotonicMs(): number {
    return this.sleeps.reduce((total, ms) => total + ms, 0);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    this.sleeps.push(ms);
    return Promise.resolve();
  }
}

const POLICY = { attempts: 5, firstDelayMs: 100, maxDelayMs: 350 };
const unavailable = () => new ClusterError("UNAVAILABLE", "no answer");

/** Returns work whose first `failures` calls fail. */
function flaky(failures: number, error: () => Error = unavailable) {
  return async (attempt: number) => {
    if (attempt <= failures) throw error();
    return attempt;
  };
}

describe("retry", () => {
  test("the delay doubles up to its limit, and each delay is reported", async () => {
    const clock = new FakeClock();
    const notices: RetryNotice[] = [];
    const onRetry = (notice: RetryNotice) => notices.push(notice);
    await expect(
      retry(flaky(4), { policy: POLICY, clock, onRetry, random: () => 1 }),
    ).resolves.toBe(5);
    expect(clock.sleeps).toEqual([100, 200, 350, 350]);
    expect(notices.map(({ attempt, delayMs }) => [attempt, delayMs])).toEqual([
      [1, 100],
      [2, 200],
      [3, 350],
      [4, 350],
    ]);
  });

  test("the last error is thrown when the attempts are used up", async () => {
    const clock = new FakeClock();
    const work = retry(flaky(99), { policy: POLICY, clock });
    await expect(work).rejects.toThrow("no answer");
    expect(clock.sleeps).toHaveLength(4);
  });

  test("an error that is not retryable is thrown at once, errors of other classes included", async () => {
    const clock = new FakeClock();
    for (const error of [new ClusterError("NOT_FOUND", "gone"), new TypeError("bug")]) {
      const work = retry(
        flaky(1, () => error),
        { policy: POLICY, clock },
      );
      await expect(work).rejects.toBe(error);
    }
    expect(clock.sleeps).toEqual([]);
  });

  test("an abort ends the attempts", async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const onRetry = () => controller.abort(new Error("shutting down"));
    const options = { policy: POLICY, clock, signal: controller.signal, onRetry };
    await expect(retry(flaky(99), options)).rejects.toThrow("shutting down");
    expect(clock.sleeps).toEqual([]);
  });
});
