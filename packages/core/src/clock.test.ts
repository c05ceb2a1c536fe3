import { expect, test } from "vitest";
import { systemClock } from "./clock.js";

test("a sleep lasts as long as requested", async () => {
  const start = systemClock.monotonicMs();
  await systemClock.sleep(20);
  // Timers may fire up to a millisecond early.
  expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(19);
});

test("an abort ends a sleep at once with the signal's reason", async () => {
  const controller = new AbortController();
  const sleep = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error("shutting down"));
  await expect(sleep).rejects.toThrow("shutting down");
});

test("a sleep with an aborted signal rejects without waiting", async () => {
  await expect(systemClock.sleep(60_000, AbortSignal.abort(new Error("gone")))).rejects.toThrow(
    "gone",
  );
  await expect(systemClock.sleep(60_000, AbortSignal.abort("text"))).rejects.toThrow("aborted");
});
