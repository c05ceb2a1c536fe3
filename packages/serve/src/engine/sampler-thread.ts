import { ThreadCalls } from "@gumshoe/core";
import type { SampleRequest, TokenScore } from "@gumshoe/engine";

import { SamplerLostError } from "../errors.js";
import type { AdaptedFolders } from "./adapted-model.js";
import type { HeldModel, SamplerCalls, SamplerThreadData } from "./calls.js";
import { type AnswerToken, readPrompts, readTokens, type StepReport } from "./token-rows.js";

/** How long stopping waits for a native call to end, in ms. */
const STOP_BUDGET_MS = 3000;

/** Takes what is sampled for a request. */
export interface SampleListener {
  /** Called before the first token if a prefix of the prompt was in the cache, with its number of tokens. */
  onCachedPrefix(numTokens: number): void;
  onToken(token: AnswerToken): void;
  /** Called once, before the first token, if the request asks for it: the scores of the prompt's tokens but the first. */
  onPromptScores(scores: readonly TokenScore[]): void;
}

/**
 * The sampler as the main thread sees it. The thread computes, so that HTTP never waits for a kernel.
 */
export class SamplerThread {
  readonly #calls: ThreadCalls<SamplerCalls, StepReport>;
  readonly #open = new Map<number, SampleListener>();
  #next = 1;

  /** @param onLost  called once if the thread ends by itself */
  constructor(data: SamplerThreadData, onLost: (error: Error) => void) {
    this.#calls = new ThreadCalls(new URL("./thread.js", import.meta.url), {
      data,
      toEndError: (problem, cause) => new SamplerLostError(problem, cause),
      onLost,
      onNotice: (report) => this.#take(report),
    });
  }

  /** Opens the device; returns its name, for people. @throws DeviceRefusedError as a ClusterError */
  openDevice(): Promise<string> {
    return this.#calls.call("openDevice", null);
  }

  load(folders: AdaptedFolders): Promise<HeldModel> {
    return this.#calls.call("load", folders);
  }

  async unload(model: number): Promise<void> {
    await this.#calls.call("unload", { model });
  }

  /** Number of prompts that are being answered. */
  get numOpen(): number {
    return this.#open.size;
  }

  /**
   * Samples the answers to a prompt; resolves when the last one has ended. When the signal is aborted, it rejects at once
   * with its reason, and the answers leave the batch at the next step.
   *
   * @throws the sampler's error as a ClusterError; SamplerLostError; the signal's reason
   */
  async sample(
    argument: { readonly model: number; readonly sample: Omit<SampleRequest, "id"> },
    listener: SampleListener,
    signal: AbortSignal,
  ): Promise<void> {
    const request = this.#next++;
    this.#open.set(request, listener);
    try {
      await this.#calls.call("sample", { request, ...argument }, { signal });
    } finally {
      this.#open.delete(request);
    }
  }

  stop(): Promise<void> {
    return this.#calls.stop(STOP_BUDGET_MS);
  }

  /** Tokens of a request that was cancelled may still arrive. */
  #take({ prompts, cached, tokens }: StepReport): void {
    for (const [request, numTokens] of cached) {
      this.#open.get(request)?.onCachedPrefix(numTokens);
    }
    for (const [request, scores] of prompts === null ? [] : readPrompts(prompts)) {
      this.#open.get(request)?.onPromptScores(scores);
    }
    for (const [request, token] of readTokens(tokens)) this.#open.get(request)?.onToken(token);
  }
}
