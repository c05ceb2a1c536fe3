import type { Message } from "@gumshoe/engine";
import { z } from "zod";

import { WrongFieldError } from "../errors.js";
import { UNSUPPORTED_IN_CHAT } from "./not-supported.js";
import { readFields } from "./read-fields.js";
import { alternatives, type Sampling, samplingFields, toSampling } from "./sampling-fields.js";

const MAX_MESSAGES = 10_000;

/** A part of a message. */
const textPart = z.strictObject(
  {
    type: z.literal("text", "is not supported: this server reads text only"),
    text: z.string("must be a text"),
  },
  'must be {"type": "text", "text": "..."}',
);

/** A field that clients send back from an answer, with nothing in it. */
const nothing = (reason: string) =>
  z.union([z.null(), z.array(z.unknown()).max(0)], `is not supported: ${reason}`).optional();

const message = z.strictObject(
  {
    role: z.enum(
      ["system", "user", "assistant"],
      "must be system, user or assistant: chat templates know no other",
    ),
    content: z.union(
      [z.string(), z.array(textPart).min(1)],
      'must be a text, or a list of parts {"type": "text", "text": "..."}',
    ),
    name: nothing("chat templates write no names"),
    refusal: nothing("answers have text only"),
    tool_calls: nothing("this server calls no tools"),
    function_call: nothing("this server calls no tools"),
    annotations: nothing("answers have text only"),
    audio: nothing("this server reads text only"),
    reasoning_content: nothing("the chat template writes content only"),
  },
  "must have role and content, and nothing else",
);

const schema = z.object({
  ...samplingFields,
  messages: z
    .array(message, "must be a list of messages")
    .min(1, "must not be empty")
    .max(MAX_MESSAGES, `must be at most ${MAX_MESSAGES} messages`),
  max_completion_tokens: samplingFields.max_tokens,
  logprobs: z.boolean("must be true or false").default(false),
  top_logprobs: alternatives,
  chat_template_kwargs: z.record(z.string(), z.unknown(), "must be an object").default({}),
});

/** A request for the next message of a conversation. */
export interface ChatRequest {
  readonly model: string | null;
  readonly messages: readonly Message[];
  readonly sampling: Sampling;
  /** Of the chat template. */
  readonly variables: Readonly<Record<string, unknown>>;
}

/** Reads the body of a request. @throws WrongFieldError naming the field */
export function readChatRequest(body: unknown): ChatRequest {
  const fields = readFields(schema, UNSUPPORTED_IN_CHAT, body);
  const { max_tokens: older = null, max_completion_tokens: newer = null } = fields;
  if (older !== null && newer !== null && older !== newer) {
    throw new WrongFieldError("max_completion_tokens", "differs from max_tokens: give one of them");
  }
  if (fields.top_logprobs !== undefined && !fields.logprobs) {
    throw new WrongFieldError("top_logprobs", "needs logprobs: true");
  }
  return {
    model: fields.model ?? null,
    messages: fields.messages.map(({ role, content }) => ({ role, content: toText(content) })),
    sampling: toSampling(fields, {
      maxTokens: {
        value: newer ?? older,
        field: newer === null ? "max_tokens" : "max_completion_tokens",
      },
      logprobs: fields.logprobs ? (fields.top_logprobs ?? 0) : null,
      echoes: false,
    }),
    variables: fields.chat_template_kwargs,
  };
}

function toText(content: z.output<typeof message>["content"]): string {
  return typeof content === "string" ? content : content.map(({ text }) => text).join("\n");
}
