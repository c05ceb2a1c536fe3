import { type RunConfig, turnsOf } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { type ChatOptions, type Tokenizer, turnCodec } from "@gumshoe/engine";
import { Conversation, type RunEnvironment } from "@gumshoe/environments";
import type { SegmentedTokens } from "@gumshoe/grpo";
import type { Task } from "@gumshoe/puzzles";

/** What the reference conversation of a task is made with. */
export interface GoldContext {
  /** Config field of its source, for errors. */
  readonly field: string;
  readonly environment: RunEnvironment;
  readonly tokenizer: Tokenizer;
  readonly chat: ChatOptions;
  /** Most turns of the model. */
  readonly maxTurns: number;
  /** Most tokens behind the prompt. */
  readonly maxTokens: number;
}

/** Returns what the reference conversations of a run of `type: sft` have in common. */
export function goldContext(
  config: RunConfig,
  tokenizer: Tokenizer,
): Omit<GoldContext, "environment" | "maxTokens"> {
  const { template: variables, date } = config.tasks;
  const maxTurns = turnsOf(config)?.max ?? 1;
  return { field: "examples.source", tokenizer, chat: { variables, date }, maxTurns };
}

/**
 * Lets an environment converse with its own reference replies.
 *
 * @returns the tokens of all turns, in which the replies count as sampled
 * @throws  InvalidArgumentError when a reply cannot be scored, or the conversation is too long
 */
export async function goldConversation(task: Task, context: GoldContext): Promise<SegmentedTokens> {
  const { field, environment, tokenizer, chat, maxTurns, maxTokens } = context;
  const codec = turnCodec(tokenizer, task.messages, chat);
  const conversation = new Conversation({ environment, task, codec, maxTurns });
  const stop = tokenizer.stopTokenIds.slice(0, 1);
  const finish = stop.length === 0 ? "length" : "stop";
  const parts: (readonly number[])[] = [];
  let room = maxTokens;
  for (;;) {
    const reply = await environment.goldReply?.(task, conversation.place);
    if (reply === undefined) throw new Error("the environment writes no reference replies");
    const tokens = [...tokenizer.encode(reply), ...stop];
    room -= tokens.length;
    parts.push(tokens);
    const given = await conversation.take({ tokens, finish, room });
    if (given === null) break;
    parts.push(given);
    room -= given.length;
  }
  const { grade, numTurns } = conversation;
  if (grade?.reward === null) {
    const problem = `the reference replies to ${task.id} cannot be scored: ${grade.reason}`;
    throw new InvalidArgumentError(field, problem);
  }
  if (room < 0) {
    const problem = `the reference replies to ${task.id} take more than ${maxTokens} tokens`;
    throw new InvalidArgumentError(field, problem);
  }
  const tokens = Int32Array.from(parts.flat());
  return numTurns === 1 ? { tokens } : { tokens, segments: parts.map(({ length }) => length) };
}
