import type { Pack } from "@gumshoe/grpo";
import { floatsToBytes, Lane, type PackMessage, tokensToBytes } from "@gumshoe/protocol";

/**
 * Encodes the packs of a lane as a Lane message with no other field: a few bytes per token, instead
 * of objects that would stay in the main thread's heap while the updates are made.
 */
export function encodePacks(packs: readonly Pack[]): Uint8Array {
  // Encoded one by one, because a writer keeps objects for each field until its message is finished.
  const parts = packs.map((pack) =>
    Lane.encode(Lane.create({ packs: [toPackMessage(pack)] })).finish(),
  );
  return Buffer.concat(parts);
}

/** Returns the packs that {@link encodePacks} encoded. */
export function decodePacks(bytes: Uint8Array): PackMessage[] {
  return Lane.decode(bytes).packs;
}

function toPackMessage(pack: Pack): PackMessage {
  return {
    groupKey: pack.groupKey,
    promptTokens: tokensToBytes(pack.promptTokens),
    answers: pack.answers.map(
      ({ rollout, tokens, segments = [], logprobs, advantage, weight }) => ({
        rollout,
        tokens: tokensToBytes(tokens),
        logprobs: floatsToBytes(logprobs),
        advantage,
        weight,
        segments: [...segments],
      }),
    ),
  };
}
