import { shownValue } from "@gumshoe/core";

import type { AnswerOutcome, SourcedAnswer } from "./answer-source.js";

/** The fields of a completion that are read; any may be missing, or of another type. */
interface Completion {
  readonly choices?: unknown;
  readonly usage?: Usage | null;
  readonly error?: unknown;
  /** The error of some servers, which have no field `error`. */
  readonly object?: unknown;
  readonly detail?: unknown;
  readonly errors?: unknown;
}

interface Choice {
  readonly index?: unknown;
  readonly message?: Message | null;
  readonly finish_reason?: string | null;
  readonly error?: unknown;
}

interface Message {
  readonly content?: unknown;
  readonly reasoning_content?: unknown;
  readonly reasoning?: unknown;
  readonly refusal?: unknown;
  readonly tool_calls?: unknown;
  readonly function_call?: unknown;
}

interface Usage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly total_tokens?: unknown;
}

/** A reply that is not a completion. */
export interface ReplyProblem {
  readonly type: "problem";
  readonly reason: string;
  /** The HTTP status that the reply names in its body, if any. */
  readonly status: number | null;
  /** Whether a retry may succeed. */
  readonly mayPass: boolean;
}

/** A completion: the answer, and its token counts. */
export interface CompletionRead {
  readonly type: "completion";
  readonly outcome: AnswerOutcome;
  readonly tokens: SourcedAnswer["tokens"];
}

const LENGTH_FINISHES = new Set(["length", "max_tokens", "model_length", "max_output_tokens"]);

/**
 * Parses a reply with status 200.
 *
 * - A truncated or empty answer, or a tool call, counts as an answer; the text before a cut is
 *   graded.
 * - A refusal counts as an answer, and its text is graded.
 * - An answer removed by the endpoint's content filter is not the model's fault: it cannot be
 *   scored.
 */
export function readCompletion(text: string): CompletionRead | ReplyProblem {
  const completion = parse(text);
  if (completion === null) return notJson(text);
  const error = errorOf(completion);
  if (isError(error)) return errorIn(error);
  const choice = firstOf(completion.choices);
  if (isError(choice?.error)) return errorIn(choice.error);
  if (choice === null) {
    return problem(`sent no choices: ${shorten(text)}`, false);
  }
  const finish = typeof choice.finish_reason === "string" ? choice.finish_reason : "";
  if (finish === "error") return problem("ended the answer with an error", true);
  const message = choice.message;
  if (typeof message !== "object" || message === null) {
    return problem(`sent no message: ${shorten(text)}`, false);
  }
  const tokens = readUsage(completion.usage);
  return { type: "completion", outcome: readAnswer(message, finish), tokens };
}

/** Returns the error of a reply that is one: in its field, or in the forms of vLLM, FastAPI and Cloudflare. */
function errorOf(completion: Completion): unknown {
  const { error, object, detail, errors, choices } = completion;
  if (isError(error) || choices !== undefined) return error;
  if (object === "error") return completion;
  if (Array.isArray(errors) && errors.length > 0) return (errors as unknown[])[0];
  return detail;
}

function firstOf(choices: unknown): Choice | null {
  if (!Array.isArray(choices)) return null;
  const all = choices.filter((one): one is Choice => typeof one === "object" && one !== null);
  return all.find(({ index }) => index === 0) ?? all[0] ?? null;
}

/** Shortens a reply for a message. */
export function shorten(text: string): string {
  // Remove control characters, which could control the terminal.
  const line = text.replace(/[\s\p{Cc}]+/gu, " ").trim();
  return line.length > 200 ? `${line.slice(0, 200)}...` : line;
}

function readAnswer(message: Message, finish: string): AnswerOutcome {
  if (finish === "content_filter") {
    return { type: "failure", reason: "the endpoint's content filter took it", isPaid: true };
  }
  const content = textOf(message.content);
  const refusal = textOf(message.refusal);
  if (LENGTH_FINISHES.has(finish.toLowerCase())) {
    return { type: "answer", reply: content, finish: "length" };
  }
  if (content === "" && refusal !== "")
    return { type: "answer", reply: refusal, finish: "refusal" };
  const isAnswer =
    content !== "" ||
    finish !== "" ||
    "content" in message ||
    message.tool_calls !== undefined ||
    message.function_call !== undefined;
  if (isAnswer) return { type: "answer", reply: content, finish: "stop" };
  return { type: "failure", reason: "the endpoint sent no answer", isPaid: true };
}

/** Content is text, or a list of parts of which some are text. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content
    .map((part: unknown) => {
      if (typeof part === "string") return part;
      const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
      const isText = type === undefined || type === "text" || type === "output_text";
      return isText && typeof text === "string" ? text : "";
    })
    .join("");
}

/**
 * Returns the numbers of prompt and sampled tokens, reasoning included. Most endpoints count
 * reasoning in `completion_tokens`, some only in `total_tokens`.
 */
function readUsage(usage: Usage | null | undefined): SourcedAnswer["tokens"] {
  if (typeof usage !== "object" || usage === null) return null;
  const { prompt_tokens: prompt, completion_tokens: written, total_tokens: total } = usage;
  if (!isCount(prompt) || !isCount(written)) return null;
  return { prompt, answer: isCount(total) ? Math.max(written, total - prompt) : written };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function parse(text: string): Completion | null {
  try {
    const parsed: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    // Gemini's errors are in a list.
    const value: unknown = Array.isArray(parsed) && parsed.length === 1 ? parsed[0] : parsed;
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

function notJson(text: string): ReplyProblem {
  const start = text.trimStart();
  if (start === "") return problem("sent an empty reply", true);
  // A reply that begins like JSON was truncated in transit.
  if (start.startsWith("{")) return problem(`sent a reply that is cut: ${shorten(text)}`, true);
  const kind = start.startsWith("<") ? "HTML" : "something that is no JSON";
  return problem(`sent ${kind} instead of a completion: ${shorten(text)}`, false);
}

function isError(error: unknown): error is NonNullable<unknown> {
  return error !== undefined && error !== null && error !== false && error !== "";
}

/** HTTP statuses of errors that are named by a code or type in words. */
const STATUS_OF_WORDS: readonly (readonly [words: RegExp, status: number])[] = [
  [/invalid_api_key|authentication|unauthorized|invalid_token/i, 401],
  [/insufficient_quota|billing/i, 402],
  [/permission|forbidden/i, 403],
  [/model_not_found/i, 404],
  [/context_length|invalid_request/i, 400],
  [/rate_limit/i, 429],
  [/overloaded|unavailable/i, 503],
];

function errorIn(error: unknown): ReplyProblem {
  const { message, code, status, type } = error as {
    message?: unknown;
    code?: unknown;
    status?: unknown;
    type?: unknown;
  };
  const text = typeof error === "string" ? error : message;
  const said = typeof text === "string" ? text : shownValue(error, 1000);
  return {
    type: "problem",
    reason: `sent an error in a reply with status 200: ${shorten(said)}`,
    status: statusOf([code, status, type]),
    mayPass: true,
  };
}

/** Returns the HTTP status that the code, status or type of an error means; null for none. */
function statusOf(names: readonly unknown[]): number | null {
  const given = names.filter((name) => typeof name === "number" || typeof name === "string");
  const number = given.map(Number).find((n) => Number.isInteger(n) && n >= 400 && n < 600);
  if (number !== undefined) return number;
  const meant = STATUS_OF_WORDS.find(([words]) => given.some((name) => words.test(String(name))));
  return meant?.[1] ?? null;
}

function problem(reason: string, mayPass: boolean): ReplyProblem {
  return { type: "problem", reason, status: null, mayPass };
}
