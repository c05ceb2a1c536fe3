import { sha256 } from "@gumshoe/core";
import type { RunEventBody } from "@gumshoe/protocol";
import { expect, test } from "vitest";

import { formatLine, parseLine, writableEvent } from "./ledger-line.js";

/** A line with a valid checksum over any text. */
const lineOf = (text: string) => `${sha256(text).slice(0, 8)} ${text}`;

const GROUP: RunEventBody = {
  type: "group-done",
  groupKey: "0/train/0",
  blob: "ab",
  meanReward: 0.5,
  rewards: [0, 1],
  tokens: 4,
  workerId: "w",
  finishes: { stop: 2 },
};
const UPDATE: RunEventBody = {
  type: "update-done",
  iteration: 0,
  update: 0,
  weights: { version: 1, digest: "d" },
  gradNorm: 1,
  lr: 0.1,
  logprobGapMax: null,
  metrics: { loss: 1 },
};

test.each<[string, RunEventBody]>([
  ["rewards.1", { ...GROUP, rewards: [0, Infinity] }],
  // A nullable field would silently be read back as null: a different event.
  ["meanReward", { ...GROUP, meanReward: NaN }],
  ["gradNorm", { ...UPDATE, gradNorm: NaN }],
  ["metrics.loss", { ...UPDATE, metrics: { loss: -Infinity } }],
  ["config.optimizer.lr", { type: "run-submitted", config: { optimizer: { lr: NaN } } }],
  ["tokens", { ...GROUP, tokens: -1 }],
])("an event with an unserializable value at %s is rejected", (field, body) => {
  const problem = `event ${body.type} cannot be recorded: ${field} `;
  expect(() => writableEvent(body)).toThrow(problem);
});

test("an event is read back equal to the one that watchers receive", () => {
  const event = writableEvent({ ...GROUP, meanReward: -0, unscoredReason: undefined });
  const line = formatLine(3, 1000, event).trimEnd();
  expect(parseLine(line, 3)).toEqual({ event: { number: 3, atMs: 1000, body: event.body } });
  expect(Object.is((event.body as typeof GROUP).meanReward, 0)).toBe(true);
});

test.each([
  ["{", "it is not JSON"],
  ["null", "it holds event undefined instead of 1"],
  ["5", "it holds event undefined"],
  ["[]", "it holds event undefined"],
  ['{"n":{"toString":1},"at":1}', 'it holds event {"toString":1}'],
  [`{"n":${"[".repeat(20_000)}${"]".repeat(20_000)}}`, "it holds event [[[[["],
  ['{"n":1,"at":1,"body":{"type":{"toString":1}}}', 'its event {"toString":1} breaks the schema'],
  ['{"n":2,"at":1,"body":{}}', "it holds event 2 instead of 1"],
  ['{"n":1,"body":{}}', "it has no time"],
  ['{"n":1,"at":1,"body":null}', "its event undefined breaks the schema at its top"],
  ['{"n":1,"at":1,"body":{"type":"iteration-done"}}', "breaks the schema at iteration"],
  ['{"n":1,"at":1,"body":{"type":"moon-phase"}}', "its event moon-phase breaks the schema at type"],
])("a line with a valid checksum over %.60s is rejected with a reason", (text, reason) => {
  expect(parseLine(lineOf(text), 1)).toEqual({
    event: null,
    reason: expect.stringContaining(reason) as string,
  });
});

test("a metric that an earlier version wrote as null is omitted", () => {
  const body = { type: "iteration-done", iteration: 0, metrics: { rewardSum: null, numGroups: 4 } };
  const parsed = parseLine(lineOf(JSON.stringify({ n: 1, at: 1, body })), 1);
  expect(parsed.event?.body).toEqual({ ...body, metrics: { numGroups: 4 } });
});
