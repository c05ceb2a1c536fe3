import { ThreadCalls } from "@gumshoe/core";
import type { SampleRequest } from "@gumshoe/engine";

import { SamplerLostError } from "../errors.js";
import type { AdaptedFolders } from "./adapted-model.js";
import {
  FINISH_CODES,
  type HeldModel,
  type SamplerCalls,
  type SamplerThreadData,
  TOKEN_FIELDS,
  type TokenRows,
} from "./calls.js";

/** How long stopping waits for a native call to end, in ms. */
const STOP_BUDGET_MS = 3000;

/** A token of an answer, as it was sampled. */
export interface AnswerToken {
  /** Which of the answers to the prompt, from 0. */
  readonly rollout: number;
  readonly token: number;
  /** In nats; a float32. */
  readonly logprob: number;
  /** Why the answer ends with this token; null if it goes on. */
  readonly finish: (typeof FINISH_CODES)[number];
}

/**
 * The sampler as the main thread sees it. The thread computes, so that HTTP never waits for a kernel.
 */
export class SamplerThread {
  readonly #calls: ThreadCalls<SamplerCalls, TokenRows>;
  readonly #open = new Map<number, (token: AnswerToken) => void>();
  #next = 1;

  /** @param onLost  called once if the thread ends by itself */
  constructor(data: SamplerThreadData, onLost: (error: Error) => void) {
    this.#calls = new ThreadCalls(new URL("./thread.js", import.meta.url), {
      data,
      toEndError: (problem, cause) => new SamplerLostError(problem, cause),
      onLost,
      onNotice: (rows) => this.#take(rows),
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
    onToken: (token: AnswerToken) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const request = this.#next++;
    this.#open.set(request, onToken);
    try {
      await this.#calls.call("sample", { request, ...argument }, { signal });
    } finally {
      this.#open.delete(request);
    }
  }

  stop(): Promise<void> {
    return this.#calls.stop(STOP_BUDGET_MS);
  }

  #take(rows: TokenRows): void {
    for (let at = 0; at < rows.length; at += TOKEN_FIELDS) {
      const [request = 0, rollout = 0, token = 0, logprob = 0, finish = 0] = rows.subarray(
        at,
        at + TOKEN_FIELDS,
      );
      // Tokens of a request that was cancelled may still arrive.
      this.#open.get(request)?.({ rollout, token, logprob, finish: FINISH_CODES[finish] ?? null });
    }
  }
}
