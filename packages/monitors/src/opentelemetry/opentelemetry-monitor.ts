import { promisify } from "node:util";
import { gzip } from "node:zlib";

import type { Logger } from "@gumshoe/core";
import { z } from "zod";

import type { Monitor, MonitoredRun, MonitorSession, Outcome, Position } from "../monitor.js";
import type { OtlpSettings } from "./otlp-settings.js";
import { type Span, SpanMaker, toAttributes } from "./spans.js";

/** Spans per request. */
const MAX_SPANS = 1000;

const compress = promisify(gzip);

/** A collector's answer that says what it dropped. */
const Answer = z.object({
  partialSuccess: z
    .object({
      rejectedSpans: z.coerce.number().default(0),
      errorMessage: z.string().default(""),
    })
    .default({ rejectedSpans: 0, errorMessage: "" }),
});

/**
 * Sends traces to an OpenTelemetry collector, by OTLP over HTTP in JSON: one trace for each iteration, with a span
 * for each piece of work, and one of the whole run when it has ended. They are made from the run's ledger, so the
 * run is not instrumented, and what the collector missed is sent later, with its own times.
 */
export class OpenTelemetryMonitor implements Monitor {
  readonly name = "opentelemetry";
  readonly #settings: OtlpSettings;
  readonly #logger: Logger;

  constructor(settings: OtlpSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
  }

  open(run: MonitoredRun, { id, next }: Position): Promise<MonitorSession> {
    const maker = new SpanMaker(run, id);
    let lastAtMs = run.submittedAtMs;
    return Promise.resolve({
      next,
      send: async (points) => {
        const spans: Span[] = [];
        for (const point of points) {
          const work = await run.work(point.step);
          // The validation of the final weights is a step without an iteration.
          if (work !== null) spans.push(...maker.iteration(point, work));
        }
        await this.#post(run, spans);
        lastAtMs = points.at(-1)?.atMs ?? lastAtMs;
      },
      finish: (outcome: Outcome) => this.#post(run, [maker.end(outcome, lastAtMs)]),
      close: () => undefined,
    });
  }

  async #post(run: MonitoredRun, spans: readonly Span[]): Promise<void> {
    for (let from = 0; from < spans.length; from += MAX_SPANS) {
      await this.#postOne(run, spans.slice(from, from + MAX_SPANS));
    }
  }

  async #postOne(run: MonitoredRun, spans: readonly Span[]): Promise<void> {
    const { url, headers, compresses, timeoutMs, resource } = this.#settings;
    const scopeSpans = [{ scope: { name: "gumshoe" }, spans }];
    const resourceSpans = [{ resource: { attributes: toAttributes(resource) }, scopeSpans }];
    const json = JSON.stringify({ resourceSpans });
    const response = await fetch(url, {
      method: "POST",
      headers: {
        ...headers,
        "content-type": "application/json",
        ...(compresses ? { "content-encoding": "gzip" } : {}),
      },
      body: compresses ? new Uint8Array(await compress(json)) : json,
      signal: AbortSignal.timeout(timeoutMs),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`it answered ${response.status} ${text.slice(0, 200)}`);
    const { rejectedSpans: rejected, errorMessage: reason } = partialSuccess(text);
    // The specification forbids to send rejected spans again.
    if (rejected > 0) {
      const about = { run: run.name, rejected, of: spans.length, reason: reason.slice(0, 200) };
      this.#logger.warn(about, "the collector rejected spans");
    }
  }
}

/** Reads an answer; collectors may answer with an empty body. */
function partialSuccess(text: string): z.infer<typeof Answer>["partialSuccess"] {
  try {
    return Answer.parse(JSON.parse(text === "" ? "{}" : text)).partialSuccess;
  } catch {
    return { rejectedSpans: 0, errorMessage: "" };
  }
}
