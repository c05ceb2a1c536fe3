/** The thread that makes cases: it is started for one series, then answers chunk after chunk. */
import { workerData } from "node:worker_threads";

import { serveCalls } from "@gumshoe/core";

import { type CaseCalls } from "./case-thread.js";
import { type CaseSeries, makeChunk } from "./case-series.js";

serveCalls<CaseCalls>({ makeChunk: (chunk) => makeChunk(workerData as CaseSeries, chunk) });
