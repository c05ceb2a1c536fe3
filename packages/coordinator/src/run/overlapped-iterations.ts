import { firstUnsampled, iterationsInSampled } from "../plan/staleness.js";
import type { LastStep, NextStep, PauseStep } from "./next-step.js";
import type { RunRecord } from "./run-record.js";

/** The two halves of an iteration. */
export interface IterationHalves {
  /** Samples one iteration, or the rest of one that was begun. */
  sample(iteration: number, signal: AbortSignal): Promise<void>;
  /** Learns from one iteration that is sampled, and ends it. */
  learn(iteration: number, signal: AbortSignal): Promise<void>;
}

/** What overlapped iterations work with. */
export interface OverlapOptions {
  readonly record: Pick<RunRecord, "config" | "state">;
  readonly iterations: IterationHalves;
  /** Decides, by the iterations that are done, whether another one learns. */
  readonly nextStep: () => Promise<NextStep | PauseStep>;
  readonly signal: AbortSignal;
}

/** Why sampling is stopped: the run ends before the iterations that were sampled ahead. */
const NOT_NEEDED = "the run ends before this iteration";

/**
 * Runs iterations until the next step is another one, sampling beside learning, and returns that.
 *
 * - Iterations are sampled in order, each once the weights that it names are made and the one before it is
 *   sampled; they learn in order, each once it is sampled and the one before it is done.
 * - What is sampled ahead decides nothing about the iterations before it, and is dropped when the run ends
 *   before it.
 * - A failure of one half ends the other. Both have ended when this returns or throws.
 */
export async function overlapIterations(options: OverlapOptions): Promise<LastStep> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const progress = new Progress(signal);
  const halves = { ...options, signal, progress };
  const ended = async <T>(half: Promise<T>, reason: string | null): Promise<T> => {
    try {
      const end = await half;
      if (reason !== null) stop.abort(new Error(reason));
      return end;
    } catch (error) {
      stop.abort(error);
      throw error;
    }
  };
  const sampling = ended(sampleAll(halves), null);
  const learning = ended(learnAll(halves), NOT_NEEDED);
  const [, learnt] = await Promise.allSettled([sampling, learning]);
  // The half that failed first has aborted the other with its error. Sampling that was stopped has not failed.
  if (learnt.status === "rejected") throw learnt.reason;
  return learnt.value;
}

type Halves = OverlapOptions & { readonly progress: Progress };

async function sampleAll({ record, iterations, signal, progress }: Halves): Promise<void> {
  const { config, state } = record;
  for (let next = firstUnsampled(state); next < config.iterations; next++) {
    const needed = iterationsInSampled(config, state, next);
    await progress.until(() => state.iterationsDone >= needed);
    await iterations.sample(next, signal);
    progress.notify();
  }
}

async function learnAll(halves: Halves): Promise<LastStep> {
  const { record, iterations, nextStep, signal, progress } = halves;
  const { state } = record;
  for (;;) {
    const step = await nextStep();
    if (step.type !== "iterate") return step;
    await progress.until(() => state.sampledIterations.has(step.iteration));
    await iterations.learn(step.iteration, signal);
    progress.notify();
  }
}

/** Lets one half wait for what the other records. The other has the deadlines: its failure ends the wait. */
class Progress {
  readonly #signal: AbortSignal;
  readonly #waiting = new Set<() => void>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.notify(), { once: true });
  }

  /** Has the halves that wait check their conditions. */
  notify(): void {
    for (const check of [...this.#waiting]) check();
  }

  /** Resolves once a condition holds. @throws the signal's reason */
  async until(isSo: () => boolean): Promise<void> {
    for (;;) {
      this.#signal.throwIfAborted();
      if (isSo()) return;
      await new Promise<void>((resolve) => {
        const check = () => {
          this.#waiting.delete(check);
          resolve();
        };
        this.#waiting.add(check);
      });
    }
  }
}
