import { ThreadCalls } from "@gumshoe/core";

import type { CaseSeries } from "./case-series.js";

/** The methods of a thread that generates the cases of one series. */
export interface CaseCalls {
  /** Generates a chunk of the series; returns its records as JSON texts. */
  makeChunk: { argument: number; answer: string[] };
}

/** Starts a thread that generates chunks of a series, in the order of the requests. */
export function startCaseThread(series: CaseSeries): ThreadCalls<CaseCalls> {
  return new ThreadCalls(new URL("./thread.js", import.meta.url), {
    data: series,
    toEndError: (problem) => new Error(`a thread that makes cases ${problem}`),
  });
}
