/**
 * Spans in the JSON form of OTLP (https://opentelemetry.io/docs/specs/otlp/#otlphttp): ids in hexadecimal, 64-bit
 * numbers as text.
 */
import { createHash } from "node:crypto";

import type { MonitoredRun, Outcome, Point, Work } from "../monitor.js";

type Value = { readonly stringValue: string } | { readonly doubleValue: number } | IntValue;
interface IntValue {
  readonly intValue: string;
}

/** An attribute of a span or resource. */
export interface Attribute {
  readonly key: string;
  readonly value: Value;
}

/** A span. */
export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  /** Of the enumeration `SpanKind`. */
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code: number; readonly message: string };
}

const INTERNAL = 1;
const STATUS_ERROR = 2;

/** Names of spans, by what was done. */
const NAMES: Readonly<Record<string, string>> = {
  sampling: "sample",
  grading: "grade",
  learning: "compute gradient",
  reducing: "reduce and update",
  checkpoint: "write checkpoint",
};
/** The phase that work belongs to, by its kind. */
const PHASE_OF: Readonly<Record<string, string>> = {
  grading: "sampling",
  reducing: "learning",
};

/** Converts a record of texts to attributes. */
export function toAttributes(texts: Readonly<Record<string, string>>): Attribute[] {
  return Object.entries(texts).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

/**
 * Makes the spans of a run. Ids follow from `id`, the step and the order of the work, so a span that is sent twice
 * has the same id.
 */
export class SpanMaker {
  readonly #run: Pick<MonitoredRun, "name" | "submittedAtMs">;
  readonly #id: string;

  /** @param id  of the run's position */
  constructor(run: Pick<MonitoredRun, "name" | "submittedAtMs">, id: string) {
    this.#run = run;
    this.#id = id;
  }

  /** The trace of an iteration: a root span with the metrics, its phases, and the work of the workers in these. */
  iteration({ step, atMs, metrics }: Point, work: readonly Work[]): Span[] {
    const { name: run } = this.#run;
    const startMs = Math.min(atMs, ...work.map(({ fromMs }) => fromMs));
    const figures = Object.entries(metrics).map(([key, doubleValue]) => ({
      key: `gumshoe.${key}`,
      value: { doubleValue },
    }));
    const root: Span = {
      ...this.#ids(`iteration/${step}`, 0),
      name: "iteration",
      kind: INTERNAL,
      ...times(startMs, atMs),
      attributes: [
        ...toAttributes({ "gumshoe.run": run }),
        { key: "gumshoe.iteration", value: { intValue: String(step) } },
        ...figures,
      ],
      links: [this.#ids("run", 0)],
    };
    const spans = work.map((one, i) => this.#workSpan(step, i + 1, one));
    const phases = work.flatMap((one, i) => (one.worker === null ? [{ one, span: spans[i] }] : []));
    return [
      root,
      ...spans.map((span, i) => {
        const one = work[i];
        const phase = one === undefined || one.worker === null ? undefined : phaseOf(one, phases);
        return { ...span, parentSpanId: phase?.spanId ?? root.spanId };
      }),
    ];
  }

  /** The span of a run that has ended. */
  end(outcome: Outcome, atMs: number): Span {
    const { name, submittedAtMs } = this.#run;
    const status = { code: STATUS_ERROR, message: "the run failed" };
    return {
      ...this.#ids("run", 0),
      name: "run",
      kind: INTERNAL,
      ...times(submittedAtMs, Math.max(submittedAtMs, atMs)),
      attributes: toAttributes({ "gumshoe.run": name, "gumshoe.outcome": outcome }),
      ...(outcome === "failed" ? { status } : {}),
    };
  }

  #workSpan(step: number, index: number, { kind, fromMs, toMs, worker, job }: Work): Span {
    const about: Record<string, string> = { "gumshoe.run": this.#run.name };
    if (worker !== null) {
      about["gumshoe.worker"] = worker.id;
      about["gumshoe.role"] = worker.role;
    }
    if (job !== "") about["gumshoe.job"] = job;
    return {
      ...this.#ids(`iteration/${step}`, index),
      name: worker === null ? kind : (NAMES[kind] ?? kind),
      kind: INTERNAL,
      ...times(fromMs, toMs),
      attributes: toAttributes(about),
    };
  }

  #ids(trace: string, index: number): { traceId: string; spanId: string } {
    return {
      traceId: hash(`${this.#id}/${trace}`).slice(0, 32),
      spanId: hash(`${this.#id}/${trace}/${index}`).slice(0, 16),
    };
  }
}

/** Finds the phase in which work began: the last one of its kind that had begun by then. */
function phaseOf(
  { kind, fromMs }: Work,
  phases: readonly { one: Work; span: Span | undefined }[],
): Span | undefined {
  const wanted = PHASE_OF[kind] ?? kind;
  const ofKind = phases.filter(({ one }) => one.kind === wanted);
  return (ofKind.findLast(({ one }) => one.fromMs <= fromMs) ?? ofKind[0])?.span;
}

function times(fromMs: number, toMs: number) {
  return { startTimeUnixNano: toNanos(fromMs), endTimeUnixNano: toNanos(Math.max(fromMs, toMs)) };
}

function toNanos(ms: number): string {
  return (BigInt(Math.round(ms * 1000)) * 1000n).toString();
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
