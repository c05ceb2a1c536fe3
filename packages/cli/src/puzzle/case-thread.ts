import { ThreadCalls } from "@gumshoe/core";

import { type CaseSeries } from "./case-series.js";

/** The calls of a thread that makes the cases of one series. */
export interface CaseCalls {
  /** Makes a chunk of the series; answers its records as JSON texts. */
  makeChunk: { argument: number; answer: string[] };
}

/** Starts a thread that makes chunks of a series, in the order in which they are asked for. */
export function startCaseThread(series: CaseSeries): ThreadCalls<CaseCalls> {
  return new ThreadCalls(new URL("./thread.js", import.meta.url), {
    data: series,
    toEndError: (problem) => new Error(`a thread that makes cases ${problem}`),
  });
}
