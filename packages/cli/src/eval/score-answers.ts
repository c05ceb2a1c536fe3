import { InvalidArgumentError } from "@gumshoe/core";
import {
  type ChatOptions,
  type ModelConfig,
  NotFiniteError,
  openModelFolder,
  openTokenizer,
  Scorer,
  type Tokenizer,
} from "@gumshoe/engine";
import type { Device } from "@gumshoe/kernels";
import { type AdaptedFolders, loadAdapted } from "@gumshoe/serve";

import { writeChat } from "./write-chat.js";

/** An answer to score: a prompt as text for the chat template, or token ids of both. */
export interface ScoreRequest {
  readonly promptIds: readonly number[] | null;
  readonly prompt: string | null;
  readonly answerIds: readonly number[] | null;
  readonly answer: string | null;
}

/** The log-probs of one answer. */
export interface AnswerScore {
  readonly tokens: readonly number[];
  /** One per token, in nats. */
  readonly logprobs: readonly number[];
  /** Entropies of the distributions from which the tokens were drawn, in nats. */
  readonly entropies: readonly number[];
  readonly sum: number;
  readonly mean: number;
}

/**
 * Parses lines such as `{"prompt": "...", "answer": "..."}` or `{"promptIds": [1], "answerIds":
 * [2]}`.
 *
 * @throws  InvalidArgumentError naming the line
 */
export function parseScoreRequests(text: string): ScoreRequest[] {
  const lines = text
    .split("\n")
    .map((line, i) => ({ line, place: `line ${i + 1}` }))
    .filter(({ line }) => line.trim() !== "");
  if (lines.length === 0) throw new InvalidArgumentError("--data", "the file holds no answers");
  return lines.map(({ line, place }) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new InvalidArgumentError(place, "is not JSON");
    }
    return readRequest((value ?? {}) as Record<string, unknown>, place);
  });
}

function readRequest(value: Record<string, unknown>, place: string): ScoreRequest {
  const text = (key: string) => (typeof value[key] === "string" ? value[key] : null);
  const ids = (key: string) => {
    const list: unknown = value[key];
    const isIds = Array.isArray(list) && list.every((id) => Number.isInteger(id) && id >= 0);
    return isIds ? (list as number[]) : null;
  };
  const request = {
    promptIds: ids("promptIds"),
    prompt: text("prompt"),
    answerIds: ids("answerIds"),
    answer: text("answer"),
  };
  if (request.promptIds === null && request.prompt === null) {
    throw new InvalidArgumentError(place, "needs prompt (text) or promptIds (a list of ids)");
  }
  if (request.answerIds === null && request.answer === null) {
    throw new InvalidArgumentError(place, "needs answer (text) or answerIds (a list of ids)");
  }
  return request;
}

/** Options for scoring. */
export interface ScoreOptions {
  readonly temperature: number;
  readonly openDevice: () => Device;
  /** Variables of the chat template for text prompts. */
  readonly chat?: ChatOptions;
}

/**
 * Computes the log-prob of every token of given answers; a text answer ends with the stop token.
 *
 * @throws InvalidArgumentError naming --date when the chat template needs a date and none is given
 */
export async function scoreAnswers(
  { folder, adapter }: AdaptedFolders,
  requests: readonly ScoreRequest[],
  options: ScoreOptions,
): Promise<AnswerScore[]> {
  const source = await openModelFolder(folder);
  const device = options.openDevice();
  try {
    const tokenizer = await openTokenizer(source);
    const model = await loadAdapted(device, source, adapter);
    const scorer = new Scorer(model);
    return requests.map((request, i) => {
      const ids = readIds({ folder, tokenizer }, request, options.chat ?? {});
      checkIds(`answer ${i}`, ids, source.config);
      return scoreOne(scorer, ids, options.temperature);
    });
  } catch (error) {
    throw error instanceof NotFiniteError ? new NotFiniteError(folder) : error;
  } finally {
    device.dispose();
    await source.close();
  }
}

/** The token ids of a request. */
interface RequestIds {
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
}

function readIds(
  model: { folder: string; tokenizer: Tokenizer },
  request: ScoreRequest,
  chat: ChatOptions,
): RequestIds {
  const { tokenizer } = model;
  return {
    promptTokens:
      request.promptIds ??
      writeChat(model, [{ role: "user", content: request.prompt ?? "" }], chat),
    tokens: request.answerIds ?? [
      ...tokenizer.encode(request.answer ?? ""),
      ...tokenizer.stopTokenIds.slice(0, 1),
    ],
  };
}

/** @throws InvalidArgumentError naming the answer by its index, from 0 */
function checkIds(
  place: string,
  { promptTokens, tokens }: RequestIds,
  { vocabularySize, maxPositions }: ModelConfig,
): void {
  const refuse = (problem: string): never => {
    throw new InvalidArgumentError(place, problem);
  };
  if (promptTokens.length === 0) refuse("the prompt has no tokens: nothing predicts the answer");
  if (tokens.length === 0) refuse("the answer has no tokens");
  const total = promptTokens.length + tokens.length;
  if (total > maxPositions) refuse(`has ${total} tokens; the model has ${maxPositions} positions`);
  const outside = [...promptTokens, ...tokens].find((id) => id >= vocabularySize);
  if (outside === undefined) return;
  refuse(`has the id ${outside}, outside the vocabulary of ${vocabularySize}`);
}

function scoreOne(
  scorer: Scorer,
  { promptTokens, tokens }: RequestIds,
  temperature: number,
): AnswerScore {
  const answer = {
    rollout: 0,
    tokens: Int32Array.from(tokens),
    logprobs: new Float32Array(0),
    advantage: 0,
    weight: 1,
  };
  const pack = {
    groupKey: "score",
    promptTokens: Int32Array.from(promptTokens),
    answers: [answer],
  };
  const { logprobs, entropies } = scorer.score(pack, { temperature });
  const sum = logprobs.reduce((total, value) => total + value, 0);
  return {
    tokens,
    logprobs: [...logprobs],
    entropies: [...entropies],
    sum,
    mean: sum / tokens.length,
  };
}
