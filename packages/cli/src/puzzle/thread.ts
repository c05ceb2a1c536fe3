/** The thread that makes cases: it is told a series once, then answers chunk after chunk. */
import { parentPort, workerData } from "node:worker_threads";

import { ClusterError } from "@gumshoe/core";

import { type ChunkAnswer } from "./case-thread.js";
import { type CaseSeries, makeChunk } from "./case-series.js";

parentPort?.on("message", (chunk: number) => parentPort?.postMessage(answer(chunk)));

function answer(chunk: number): ChunkAnswer {
  try {
    return { type: "made", texts: makeChunk(workerData as CaseSeries, chunk) };
  } catch (thrown) {
    // Its class does not cross the threads; anything else ends this one.
    if (!(thrown instanceof ClusterError)) throw thrown;
    const { code, message, details } = thrown;
    return { type: "failed", code, message, details: { ...details } };
  }
}
