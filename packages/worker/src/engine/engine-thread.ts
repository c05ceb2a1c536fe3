import { ThreadCalls } from "@gumshoe/core";

import { EngineLostError } from "../errors.js";
import type {
  ConversationTurn,
  EngineCall,
  EngineCalls,
  EngineOptions,
  SamplerNotice,
} from "./calls.js";

/** How long stopping waits for a native call to end, in ms. */
const STOP_BUDGET_MS = 3000;

/**
 * The engine as the main thread sees it: calls that return promises. The thread computes, so that leases,
 * heartbeats and gRPC on the main thread never wait for it.
 */
export class EngineThread {
  readonly #calls: ThreadCalls<EngineCalls, SamplerNotice>;
  /** Tokens sampled since the thread started. */
  tokensSampled = 0;
  /** Takes the turns of each conversation. */
  readonly #conversations = new Map<number, (turn: ConversationTurn) => void>();
  #nextConversation = 1;

  /** @param onLost  called once if the thread ends by itself: the process cannot continue */
  constructor(options: EngineOptions, onLost: (error: Error) => void) {
    this.#calls = new ThreadCalls(new URL("./thread.js", import.meta.url), {
      data: options,
      toEndError: (problem, cause) => new EngineLostError(problem, cause),
      onLost,
      onNotice: ({ tokens, turns }) => {
        this.tokensSampled = tokens;
        for (const turn of turns) this.#conversations.get(turn.conversation)?.(turn);
      },
    });
  }

  /**
   * Calls the engine. When the signal is aborted, the call rejects at once with the signal's reason: a group leaves
   * the sampler's batch at the next step, any other call runs to its end and delays the calls after it.
   *
   * @throws ClusterError of the engine; EngineLostError when the thread is gone; the signal's reason
   */
  call<C extends EngineCall>(
    call: C,
    argument: EngineCalls[C]["argument"],
    signal?: AbortSignal,
  ): Promise<EngineCalls[C]["answer"]> {
    return this.#calls.call(call, argument, { signal });
  }

  /**
   * Samples a group whose answers have several turns. While an answer waits for `reply`, the thread samples others.
   *
   * @param reply  resolves with the tokens that follow a turn, or with null to end the answer; an error fails the group
   */
  async converse(
    argument: EngineCalls["sample"]["argument"],
    reply: (turn: ConversationTurn) => Promise<readonly number[] | null>,
    signal: AbortSignal,
  ): Promise<EngineCalls["sample"]["answer"]> {
    const conversation = this.#nextConversation++;
    const failing = new AbortController();
    const either = AbortSignal.any([signal, failing.signal]);
    const answer = async (turn: ConversationTurn): Promise<void> => {
      try {
        const given = await reply(turn);
        await this.call("resume", { conversation, rollout: turn.rollout, given }, either);
      } catch (error) {
        failing.abort(error);
      }
    };
    this.#conversations.set(conversation, (turn) => void answer(turn));
    try {
      return await this.call("sample", { ...argument, conversation }, either);
    } finally {
      this.#conversations.delete(conversation);
    }
  }

  /**
   * Stops the thread. Waits for a running native call up to the budget; after that, the call ends with the process.
   */
  stop(budgetMs = STOP_BUDGET_MS): Promise<void> {
    return this.#calls.stop(budgetMs);
  }
}
