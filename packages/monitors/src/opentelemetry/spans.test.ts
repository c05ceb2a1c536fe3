import { expect, test } from "vitest";

import type { Work } from "../monitor.js";
import { SpanMaker } from "./spans.js";

const AT_MS = 1_790_000_000_000;
const RUN = { name: "r", submittedAtMs: AT_MS - 500 };
const worker = (id: string, role: string) => ({ id, role });
/** Two sampling phases, as with a validation that comes late. */
const WORK: Work[] = [
  { kind: "sampling", fromMs: AT_MS, toMs: AT_MS + 40, worker: null, job: "" },
  { kind: "learning", fromMs: AT_MS + 40, toMs: AT_MS + 70, worker: null, job: "" },
  { kind: "sampling", fromMs: AT_MS + 70, toMs: AT_MS + 90.25, worker: null, job: "" },
  {
    kind: "grading",
    fromMs: AT_MS + 80,
    toMs: AT_MS + 85,
    worker: worker("a", "inference"),
    job: "3/train/1",
  },
  {
    kind: "reducing",
    fromMs: AT_MS + 60,
    toMs: AT_MS + 65,
    worker: worker("b", "reducer"),
    job: "",
  },
];
const POINT = { step: 3, atMs: AT_MS + 95, metrics: { meanReward: 0.5 } };

test("an iteration is one trace: its metrics, its phases, and the work in these", () => {
  const [root, ...spans] = new SpanMaker(RUN, "id").iteration(POINT, WORK);
  expect(root).toMatchObject({
    name: "iteration",
    startTimeUnixNano: "1790000000000000000",
    endTimeUnixNano: "1790000000095000000",
    attributes: [
      { key: "gumshoe.run", value: { stringValue: "r" } },
      { key: "gumshoe.iteration", value: { intValue: "3" } },
      { key: "gumshoe.meanReward", value: { doubleValue: 0.5 } },
    ],
  });
  expect(root).not.toHaveProperty("parentSpanId");
  expect(spans.map(({ name }) => name)).toEqual([
    ...["sampling", "learning", "sampling"],
    ...["grade", "reduce and update"],
  ]);
  const parents = spans.map(({ parentSpanId }) =>
    [root, ...spans].findIndex((span) => span?.spanId === parentSpanId),
  );
  // The grading began in the second sampling phase.
  expect(parents).toEqual([0, 0, 0, 3, 2]);
  expect(spans[2]?.endTimeUnixNano).toBe("1790000000090250000");
  const ids = [root, ...spans].map((span) => span?.spanId);
  expect(new Set(ids).size).toBe(6);
  for (const span of spans) expect(span.traceId).toBe(root?.traceId);
  expect(root?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(root?.spanId).toMatch(/^[0-9a-f]{16}$/);
});

test("the same iteration has the same ids, another one, or another run, has others", () => {
  const spans = new SpanMaker(RUN, "id").iteration(POINT, WORK);
  expect(new SpanMaker(RUN, "id").iteration(POINT, WORK)).toEqual(spans);
  const others = [
    ...new SpanMaker(RUN, "id").iteration({ ...POINT, step: 4 }, WORK),
    ...new SpanMaker(RUN, "id 2").iteration(POINT, WORK),
  ];
  const known = new Set(spans.flatMap(({ traceId, spanId }) => [traceId, spanId]));
  for (const { traceId, spanId } of others) {
    expect([known.has(traceId), known.has(spanId)]).toEqual([false, false]);
  }
});

test("iterations are linked to the span of their run, which says that it failed", () => {
  const maker = new SpanMaker(RUN, "id");
  const { traceId, spanId, status } = maker.end("failed", AT_MS);
  expect(status?.code).toBe(2);
  expect(maker.iteration(POINT, [])[0]?.links).toEqual([{ traceId, spanId }]);
  expect(maker.end("done", AT_MS)).not.toHaveProperty("status");
});
