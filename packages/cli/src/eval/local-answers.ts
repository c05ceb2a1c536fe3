import { errorMessage } from "@gumshoe/core";
import { Model, openModelFolder, Sampler, type SampleResult, Tokenizer } from "@gumshoe/engine";
import { createCpuDevice, type Device } from "@gumshoe/kernels";

import {
  type AnswerSource,
  type Questions,
  type SamplingOptions,
  type SourcedAnswer,
} from "./answer-source.js";

/** Prompts that are in the sampler at a time: enough to fill its batch. */
const PROMPTS_IN_FLIGHT = 16;

/** Answers with a model of this process. */
export class LocalAnswers implements AnswerSource {
  private constructor(
    private readonly device: Device,
    private readonly model: Model,
    private readonly tokenizer: Tokenizer,
    private readonly maxPositions: number,
  ) {}

  /** Loads a model folder. */
  static async load(folder: string, threads: number | null): Promise<LocalAnswers> {
    const source = await openModelFolder(folder);
    const device = createCpuDevice(threads === null ? {} : { threads });
    try {
      const { config, layout } = source;
      const model = new Model({ device, config, training: false });
      model.setParameters(await source.readParameters(0, layout.numParameters));
      model.commit();
      const tokenizer = Tokenizer.fromAssets(source.assets);
      return new LocalAnswers(device, model, tokenizer, config.maxPositions);
    } catch (thrown) {
      device.dispose();
      throw thrown;
    } finally {
      await source.close();
    }
  }

  /** Answers every prompt `samples` times, in the order in which they get done. */
  async *answer(
    { prompts, isKnown }: Questions,
    options: SamplingOptions,
    signal: AbortSignal,
  ): AsyncGenerator<SourcedAnswer> {
    const sampler = new Sampler({ model: this.model });
    let next = 0;
    let numOpen = 0;
    while (next < prompts.length || numOpen > 0) {
      while (next < prompts.length && numOpen < PROMPTS_IN_FLIGHT) {
        if (isWholeKnown(next, options.samples, isKnown)) {
          next++;
          continue;
        }
        const problem = this.#add(sampler, { index: next, prompt: prompts[next] ?? "" }, options);
        if (problem === null) numOpen++;
        else yield* failures(next, problem, options.samples);
        next++;
      }
      for (const result of sampler.step()) {
        numOpen--;
        for (const answer of this.#read(result)) {
          if (!isKnown(answer.index, answer.sample)) yield answer;
        }
      }
      // Lets a Ctrl-C in: the sampler computes on this thread.
      await new Promise((resolve) => setImmediate(resolve));
      signal.throwIfAborted();
    }
    sampler.dispose();
  }

  /** Gives the model's memory back. */
  close(): void {
    this.model.dispose();
    this.device.dispose();
  }

  /** Hands a prompt to the sampler; returns why it cannot be answered, or null. */
  #add(
    sampler: Sampler,
    { index, prompt }: { index: number; prompt: string },
    options: SamplingOptions,
  ): string | null {
    const promptIds = this.tokenizer.encodeChat([{ role: "user", content: prompt }]);
    const maxNewTokens = Math.min(options.maxAnswerTokens, this.maxPositions - promptIds.length);
    if (maxNewTokens < 1) {
      return `a prompt of ${promptIds.length} tokens; the model takes ${this.maxPositions}`;
    }
    try {
      sampler.add({
        id: String(index),
        promptIds,
        count: options.samples,
        temperature: options.temperature,
        maxNewTokens,
        stopTokenIds: this.tokenizer.stopTokenIds,
        seed: [options.seed, index],
        earlyStop: null,
      });
      return null;
    } catch (thrown) {
      return errorMessage(thrown);
    }
  }

  *#read({ id, promptIds, rollouts }: SampleResult): Generator<SourcedAnswer> {
    for (const [i, rollout] of rollouts.entries()) {
      yield {
        index: Number(id),
        sample: i,
        tokens: { prompt: i === 0 ? promptIds.length : 0, answer: rollout.tokens.length },
        outcome: {
          type: "answer",
          reply: this.tokenizer.decode([...rollout.tokens], { skipSpecialTokens: true }),
          finish: rollout.finish === "length" ? "length" : "stop",
        },
      };
    }
  }
}

function* failures(index: number, reason: string, samples: number): Generator<SourcedAnswer> {
  for (let sample = 0; sample < samples; sample++) {
    yield { index, sample, tokens: null, outcome: { type: "failure", reason, isPaid: false } };
  }
}

/** The answers to a prompt are sampled together: it is left out where all of them are known. */
function isWholeKnown(index: number, samples: number, isKnown: Questions["isKnown"]): boolean {
  for (let sample = 0; sample < samples; sample++) {
    if (!isKnown(index, sample)) return false;
  }
  return true;
}
