/** Entry point of the thread that generates cases: started for one series, it serves chunks. */
import { workerData } from "node:worker_threads";

import { serveCalls } from "@gumshoe/core";

import type { CaseCalls } from "./case-thread.js";
import { type CaseSeries, makeChunk } from "./case-series.js";

serveCalls<CaseCalls>({ makeChunk: (chunk) => makeChunk(workerData as CaseSeries, chunk) });
