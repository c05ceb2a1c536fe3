import { InvalidArgumentError } from "@gumshoe/core";
import {
  Model,
  NotFiniteError,
  openModelFolder,
  openTokenizer,
  Scorer,
  type Tokenizer,
} from "@gumshoe/engine";
import { createCpuDevice } from "@gumshoe/kernels";

/** An answer to be scored: a prompt as text for the chat template, or ids of both. */
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
  /** Of the whole distribution that each token was drawn from, in nats. */
  readonly entropies: readonly number[];
  readonly sum: number;
  readonly mean: number;
}

/**
 * Reads lines such as `{"prompt": "...", "answer": "..."}` or `{"promptIds": [1], "answerIds": [2]}`.
 *
 * @throws  InvalidArgumentError that names the line
 */
export function parseScoreRequests(text: string): ScoreRequest[] {
  const lines = text.split("\n").map((line, i) => ({ line, place: `line ${i + 1}` }));
  return lines
    .filter(({ line }) => line.trim() !== "")
    .map(({ line, place }) => {
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

/** Computes the log-prob of every token of given answers; a text answer ends in the stop token. */
export async function scoreAnswers(
  folder: string,
  requests: readonly ScoreRequest[],
  options: { temperature: number; threads: number | null },
): Promise<AnswerScore[]> {
  const source = await openModelFolder(folder);
  const device = createCpuDevice(options.threads === null ? {} : { threads: options.threads });
  try {
    const tokenizer = await openTokenizer(source);
    const model = new Model({ device, config: source.config, training: false });
    model.setParameters(await source.readParameters(0, source.layout.numParameters));
    model.commit();
    const scorer = new Scorer(model);
    return requests.map((request) => scoreOne(scorer, tokenizer, request, options.temperature));
  } catch (error) {
    throw error instanceof NotFiniteError ? new NotFiniteError(folder) : error;
  } finally {
    device.dispose();
    await source.close();
  }
}

function scoreOne(
  scorer: Scorer,
  tokenizer: Tokenizer,
  request: ScoreRequest,
  temperature: number,
): AnswerScore {
  const promptTokens =
    request.promptIds ?? tokenizer.encodeChat([{ role: "user", content: request.prompt ?? "" }]);
  const tokens = request.answerIds ?? [
    ...tokenizer.encode(request.answer ?? ""),
    ...tokenizer.stopTokenIds.slice(0, 1),
  ];
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
  const { logprobs, entropies } = scorer.score(pack, temperature);
  const sum = logprobs.reduce((total, value) => total + value, 0);
  return {
    tokens,
    logprobs: [...logprobs],
    entropies: [...entropies],
    sum,
    mean: tokens.length === 0 ? 0 : sum / tokens.length,
  };
}
