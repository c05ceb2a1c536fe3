import { errorMessage } from "@gumshoe/core";

import { type FoundModel, type ModelSource } from "./model-source.js";

/** Where a followed source reports to. */
export interface SourceFollower {
  /** Serves a model from now on. */
  readonly serve: (found: FoundModel) => Promise<void>;
  /** Prints a line. */
  readonly print: (line: string) => void;
  readonly everyMs: number;
}

/**
 * Looks for another model at intervals, until the signal is aborted, and serves it. What cannot be loaded, e.g. a checkpoint that
 * was deleted meanwhile, is reported once and tried again; the model before is served until then.
 */
export async function followSource(
  source: ModelSource,
  first: FoundModel,
  { serve, print, everyMs }: SourceFollower,
  signal: AbortSignal,
): Promise<void> {
  let { key } = first;
  let reported = "";
  while (await isStillWanted(everyMs, signal)) {
    try {
      const found = await source.find();
      if (found.key === key) continue;
      await serve(found);
      ({ key } = found);
      print(`now serving ${found.title}`);
    } catch (thrown) {
      const problem = errorMessage(thrown);
      if (problem !== reported) print(`${problem}; the model before is still served`);
      reported = problem;
    }
  }
}

/** Waits; returns whether the signal was not aborted meanwhile. */
function isStillWanted(ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve(!signal.aborted);
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
