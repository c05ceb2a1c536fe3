import { type Clock, errorMessage } from "@gumshoe/core";

import type { FoundModel, ModelSource } from "./model-source.js";

/** Where a followed source reports to. */
export interface SourceFollower {
  /** Serves a model from now on. */
  readonly serve: (found: FoundModel) => Promise<void>;
  /** Prints a line. */
  readonly print: (line: string) => void;
  readonly everyMs: number;
  readonly clock: Clock;
}

/**
 * Looks for another model at intervals, until the signal is aborted, and serves it. What cannot be loaded, e.g. a checkpoint that
 * was deleted meanwhile, is reported once and tried again; the model before is served until then.
 */
export async function followSource(
  source: ModelSource,
  first: FoundModel,
  { serve, print, everyMs, clock }: SourceFollower,
  signal: AbortSignal,
): Promise<void> {
  let { key } = first;
  let reported = "";
  for (;;) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (signal.aborted) return;
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
