import { TokenizerError } from "../errors.js";
import type { ChatOptions, Message } from "./chat-template.js";
import type { Tokenizer } from "./tokenizer.js";

/** A reply with the parts that chat templates rewrite in earlier turns. */
const TRIAL_REPLY = "<think>\nOne.\n</think>\n\nTwo.";

/**
 * Encodes what stands between a reply of the model and the next: the end of its turn, further messages, and the opening
 * of the next turn. The reply itself is not encoded again: its tokens are those that were sampled.
 *
 * @param before   the conversation up to the reply, which is its last message
 * @param next     messages that follow
 * @throws TokenizerError when the chat template cannot write the messages
 */
function encodeTurn(
  tokenizer: Tokenizer,
  { before, next }: { before: readonly Message[]; next: readonly Message[] },
  options: ChatOptions,
): number[] {
  const mark = markNotIn([...before, ...next]);
  const untilReply = [...before.slice(0, -1), { role: "assistant", content: mark }];
  const parts = tokenizer.renderChat([...untilReply, ...next], options).split(mark);
  const [, following] = parts;
  if (parts.length !== 2 || following === undefined) {
    const problem = `writes a reply ${parts.length - 1} times, so that what follows it is not known`;
    throw new TokenizerError("chat_template", problem);
  }
  const marked = next.map(({ role }, i) => ({ role, content: `${mark}${i}.` }));
  const text = tokenizer.renderChat([...untilReply, ...marked], options);
  const missing = marked.find(({ content }) => !text.includes(content));
  if (missing !== undefined) {
    throw new TokenizerError("chat_template", `leaves out a message of the role ${missing.role}`);
  }
  return tokenizer.encode(following);
}

/** Converts between the texts and the tokens of the turns of a conversation. */
export interface TurnCodec {
  decode(tokens: ArrayLike<number>): string;
  /**
   * Returns the tokens between a reply and the next.
   *
   * @param before  everything after the prompt, up to the reply
   * @throws TokenizerError when the chat template cannot write the messages
   */
  encodeTurn(before: readonly Message[], next: readonly Message[]): number[];
}

/** Returns the codec of conversations that begin with a prompt. */
export function turnCodec(
  tokenizer: Tokenizer,
  prompt: readonly Message[],
  options: ChatOptions,
): TurnCodec {
  return {
    decode: (tokens) => tokenizer.decode(Array.from(tokens), { skipSpecialTokens: true }),
    encodeTurn: (before, next) =>
      encodeTurn(tokenizer, { before: [...prompt, ...before], next }, options),
  };
}

/**
 * Checks that a chat template writes earlier replies as the model wrote them: else a conversation that is rendered later
 * differs from the one that was trained.
 *
 * @param prompt  a task's messages
 * @throws TokenizerError
 */
export function checkKeepsReplies(
  tokenizer: Tokenizer,
  prompt: readonly Message[],
  options: ChatOptions,
): void {
  const opening = tokenizer.renderChat(prompt, options);
  const reply = { role: "assistant", content: TRIAL_REPLY };
  const whole = tokenizer.renderChat([...prompt, reply, { role: "user", content: "?" }], options);
  if (whole.startsWith(opening + TRIAL_REPLY)) return;
  const problem =
    "does not leave earlier replies as the model wrote them (many drop the reasoning of earlier turns), " +
    "so later turns would be trained behind a text that the model never reads again";
  throw new TokenizerError("chat_template", problem);
}

/** Returns a short text that occurs in none of the messages. */
function markNotIn(messages: readonly Message[]): string {
  for (let number = 0; ; number++) {
    const mark = `(reply ${number})`;
    if (!messages.some(({ content }) => content.includes(mark))) return mark;
  }
}
