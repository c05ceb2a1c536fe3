import { expect, test } from "vitest";
import { systemClock } from "./clock.js";

test("sleeping takes the time it says", async () => {
  const start = systemClock.monotonicMs();
  await systemClock.sleep(20);
  // Timers may fire up to a millisecond early.
  expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(19);
});

test("an abort ends a sleep at once with its reason", async () => {
  const controller = new AbortController();
  const sleep = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error("shutting down"));
  await expect(sleep).rejects.toThrow("shutting down");
});

test("a sleep that is aborted before it starts does not start", async () => {
  await expect(systemClock.sleep(60_000, AbortSignal.abort(new Error("gone")))).rejects.toThrow(
    "gone",
  );
  await expect(systemClock.sleep(60_000, AbortSignal.abort("text"))).rejects.toThrow("aborted");
});
