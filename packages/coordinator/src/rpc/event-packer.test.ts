import type { WatchedEvent } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { EventPacker } from "./event-packer.js";

const event = (number: number): WatchedEvent => ({
  number,
  atMs: 1,
  body: { type: "run-cancelled" },
});
const [A, B, C] = [event(1), event(2), event(3)] as const;

test("watchers of the same events share one message, others get their own", () => {
  const packer = new EventPacker();
  const message = packer.pack([A, B]);
  expect([message?.number, message?.later.map(({ number }) => number)]).toEqual([1, [2]]);
  expect(packer.pack([A, B])).toBe(message);
  expect(packer.pack([A, B, C])?.later).toHaveLength(2);
  expect(packer.pack([event(1), B])).not.toBe(message);
  expect(packer.pack([A])?.later).toEqual([]);
  expect(packer.pack([])).toBeNull();
});
