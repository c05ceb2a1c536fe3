import { shownValue } from "@gumshoe/core";

import { type AnswerOutcome, type SourcedAnswer } from "./answer-source.js";

/** The parts of a completion that are read; any may be missing, or of another type. */
interface Completion {
  readonly choices?: unknown;
  readonly usage?: Usage | null;
  readonly error?: unknown;
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

/** A reply that is no completion. */
export interface ReplyProblem {
  readonly type: "problem";
  readonly reason: string;
  /** The HTTP status that it stands for, where the reply names one. */
  readonly status: number | null;
  /** Whether the same request may succeed later. */
  readonly mayPass: boolean;
}

/** A completion: the answer in it, and what it cost. */
export interface CompletionRead {
  readonly type: "completion";
  readonly outcome: AnswerOutcome;
  readonly tokens: SourcedAnswer["tokens"];
}

const LENGTH_FINISHES = new Set(["length", "max_tokens", "model_length", "max_output_tokens"]);

/**
 * Reads the text of a reply with status 200.
 *
 * - An answer that was cut off, is empty or is a call of a tool is an answer: the model had its chance.
 *   What came before the cut is graded as it is.
 * - A refusal is an answer, its text is graded.
 * - An answer that the endpoint's content filter took is not the model's: it cannot be scored.
 */
export function readCompletion(text: string): CompletionRead | ReplyProblem {
  const completion = parse(text);
  if (completion === null) return notJson(text);
  if (isError(completion.error)) return errorIn(completion.error);
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

function firstOf(choices: unknown): Choice | null {
  if (!Array.isArray(choices)) return null;
  const all = choices.filter((one): one is Choice => typeof one === "object" && one !== null);
  return all.find(({ index }) => index === 0) ?? all[0] ?? null;
}

/** Shortens a reply for a message. */
export function shorten(text: string): string {
  // What a server sends may not steer the terminal.
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

/** Content is a text, or a list of parts of which some are text. */
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
 * Reads how many tokens were read and sampled; thoughts are sampled, too. Most endpoints count them in
 * `completion_tokens`, some in `total_tokens` alone.
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
    const value: unknown = JSON.parse(text.replace(/^\ufeff/, ""));
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}

function notJson(text: string): ReplyProblem {
  const start = text.trimStart();
  if (start === "") return problem("sent an empty reply", true);
  // A reply that begins as JSON was cut on the way.
  if (start.startsWith("{")) return problem(`sent a reply that is cut: ${shorten(text)}`, true);
  const kind = start.startsWith("<") ? "HTML" : "something that is no JSON";
  return problem(`sent ${kind} instead of a completion: ${shorten(text)}`, false);
}

function isError(error: unknown): error is NonNullable<unknown> {
  return error !== undefined && error !== null && error !== false && error !== "";
}

function errorIn(error: unknown): ReplyProblem {
  const { message, code, status } = error as {
    message?: unknown;
    code?: unknown;
    status?: unknown;
  };
  const said = typeof message === "string" ? message : shownValue(error, 1000);
  const numbers = [code, status]
    .filter((value) => typeof value === "number" || typeof value === "string")
    .map(Number)
    .filter((n) => Number.isInteger(n) && n >= 400 && n < 600);
  return {
    type: "problem",
    reason: `sent an error in a reply with status 200: ${shorten(said)}`,
    status: numbers[0] ?? null,
    mayPass: true,
  };
}

function problem(reason: string, mayPass: boolean): ReplyProblem {
  return { type: "problem", reason, status: null, mayPass };
}
