import { createLogger, InvalidArgumentError, systemClock } from "@gumshoe/core";
import { SourceAwayError } from "@gumshoe/environments";
import { expect, test, vi } from "vitest";

import { SourceWaits } from "./source-waits.js";

const AWAY = new SourceAwayError({ field: "tasks.source.url", url: "http://a/grade" }, "is away");
const clock = {
  ...systemClock,
  sleep: (_ms: number, signal?: AbortSignal) => systemClock.sleep(1, signal),
};
const newWaits = () => new SourceWaits({ clock, logger: createLogger("test", "silent") });

test("work is done again while its server is away, and the wait has the reason until it is over", async () => {
  const waits = newWaits();
  let isAway = true;
  let numCalls = 0;
  const work = () => {
    numCalls += 1;
    return isAway ? Promise.reject(AWAY) : Promise.resolve("graded");
  };
  const graded = waits.until("r/0/train/0", new AbortController().signal, work);
  await vi.waitFor(() => expect(numCalls).toBeGreaterThan(20));
  expect(waits.problem).toBe("tasks.source.url: http://a/grade is away");
  isAway = false;
  expect(await graded).toBe("graded");
  expect(waits.problem).toBe("");
});

test("a wrong response ends the work at once, and a job that is withdrawn ends its wait", async () => {
  const waits = newWaits();
  const wrong = new InvalidArgumentError("tasks.source.url", "answers 400");
  const { signal } = new AbortController();
  await expect(waits.until("a", signal, () => Promise.reject(wrong))).rejects.toBe(wrong);
  const stop = new AbortController();
  const waiting = waits.until("b", stop.signal, () => Promise.reject(AWAY));
  await vi.waitFor(() => expect(waits.problem).not.toBe(""));
  stop.abort(new Error("withdrawn"));
  await expect(waiting).rejects.toThrow("withdrawn");
  expect(waits.problem).toBe("");
});
