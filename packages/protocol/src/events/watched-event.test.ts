import { expect, test } from "vitest";

import { RunService } from "./run-service.js";
import { fromRunEvent, toRunEvent, type WatchedEvent } from "./watched-event.js";

const EVENT: WatchedEvent = {
  number: 3,
  atMs: 1000,
  body: { type: "checkpoint-written", iteration: 2, version: 4, folder: "c/2", digest: "ab" },
};

test("an event is decoded as it was encoded", () => {
  expect(toRunEvent(EVENT)).toMatchObject({ number: 3, type: "checkpoint-written" });
  expect(fromRunEvent(toRunEvent(EVENT))).toEqual(EVENT);
});

test("later events are packed into the same message, and encoded once", () => {
  const message = toRunEvent(EVENT, [{ ...EVENT, number: 4 }]);
  const { responseSerialize, responseDeserialize } = RunService.watchRun;
  const bytes = responseSerialize(message);
  expect(responseSerialize(message)).toBe(bytes);
  const { later, ...first } = responseDeserialize(bytes);
  expect(later.map(fromRunEvent)).toEqual([{ ...EVENT, number: 4 }]);
  expect(fromRunEvent({ ...first, later })).toEqual(EVENT);
});

test("a type of a later version is skipped, and an unknown field dropped", () => {
  const later = { ...toRunEvent(EVENT), type: "moon-phase" };
  expect(fromRunEvent(later)).toBeNull();
  const json = JSON.stringify({ ...EVENT.body, colour: "red" });
  expect(fromRunEvent({ ...toRunEvent(EVENT), json })).toEqual(EVENT);
});

test("an event that breaks its schema is an error that names the field", () => {
  const json = JSON.stringify({ ...EVENT.body, version: "four" });
  expect(() => fromRunEvent({ ...toRunEvent(EVENT), json })).toThrow(
    "event 3 (checkpoint-written) breaks its schema at version",
  );
  expect(() => fromRunEvent({ ...toRunEvent(EVENT), json: "{" })).toThrow("is not JSON");
});
