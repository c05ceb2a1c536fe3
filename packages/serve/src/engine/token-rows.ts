/**
 * Tokens on their way from the sampler's thread, as numbers in one array: it costs less to send than an object for each token. A
 * float64 holds a log-prob's float32 and all ids exactly.
 *
 * - A sampled token: request, rollout, token, log-prob, finish, alternatives.
 * - A prompt: request, number of scores, and for each score its log-prob and alternatives.
 * - Alternatives: their number, and for each its token and log-prob.
 */
import type {
  PromptScores,
  ReadPrompt,
  SampledToken,
  TokenAlternative,
  TokenScore,
} from "@gumshoe/engine";

/** Values of the field `finish`. */
const FINISH_CODES = [null, "stop", "length", "early-stop", "stop-string"] as const;

/** A token of an answer, as it was sampled. */
export interface AnswerToken {
  /** Which of the answers to the prompt, from 0. */
  readonly rollout: number;
  readonly token: number;
  /** In nats; a float32. */
  readonly logprob: number;
  /** Why the answer ends with this token; null if it goes on. */
  readonly finish: (typeof FINISH_CODES)[number];
  /** The likeliest tokens of the distribution that it was drawn from, in descending order. */
  readonly alternatives: readonly TokenAlternative[];
}

/** What a step of the thread's samplers reports. */
export interface StepReport {
  /** Prompts that were scored; null for none. They come before their tokens. */
  readonly prompts: Float64Array | null;
  /** Prompts with a prefix that was in the cache: the request, and the prefix's number of tokens. They come before their tokens. */
  readonly cached: readonly (readonly [request: number, numTokens: number])[];
  readonly tokens: Float64Array;
}

/** Writes what a step reports. The ids of requests are numbers as text. */
export function toStepReport(step: {
  readonly read: readonly ReadPrompt[];
  readonly prompts: readonly PromptScores[];
  readonly tokens: readonly SampledToken[];
}): StepReport {
  const { read, prompts, tokens } = step;
  return {
    prompts: prompts.length === 0 ? null : promptRows(prompts),
    cached: read.flatMap(({ id, numCached }) => (numCached > 0 ? [[Number(id), numCached]] : [])),
    tokens: tokenRows(tokens),
  };
}

/** Reads the tokens of a report, each with the number of its request. */
export function* readTokens(rows: Float64Array): Generator<[request: number, token: AnswerToken]> {
  const numbers = rows.values();
  for (let next = numbers.next(); next.done !== true; next = numbers.next()) {
    const request = next.value;
    const [rollout, token, logprob] = [take(numbers), take(numbers), take(numbers)];
    const finish = FINISH_CODES[take(numbers)] ?? null;
    yield [request, { rollout, token, logprob, finish, alternatives: readAlternatives(numbers) }];
  }
}

/** Reads the prompts of a report, each with the number of its request. */
export function* readPrompts(
  rows: Float64Array,
): Generator<[request: number, scores: readonly TokenScore[]]> {
  const numbers = rows.values();
  for (let next = numbers.next(); next.done !== true; next = numbers.next()) {
    const scores = Array.from({ length: take(numbers) }, (): TokenScore => {
      return { logprob: take(numbers), alternatives: readAlternatives(numbers) };
    });
    yield [next.value, scores];
  }
}

function tokenRows(tokens: readonly SampledToken[]): Float64Array {
  const length = tokens.reduce((sum, token) => sum + 5 + alternativesLength(token), 0);
  const rows = new Float64Array(length);
  let at = 0;
  for (const one of tokens) {
    rows[at++] = Number(one.id);
    rows[at++] = one.rollout;
    rows[at++] = one.token;
    rows[at++] = one.logprob;
    rows[at++] = FINISH_CODES.indexOf(one.finish);
    at = writeAlternatives(rows, at, one);
  }
  return rows;
}

function promptRows(prompts: readonly PromptScores[]): Float64Array {
  const lengthOf = ({ scores }: PromptScores) =>
    scores.reduce((sum, score) => sum + 1 + alternativesLength(score), 2);
  const rows = new Float64Array(prompts.reduce((sum, prompt) => sum + lengthOf(prompt), 0));
  let at = 0;
  for (const { id, scores } of prompts) {
    rows[at++] = Number(id);
    rows[at++] = scores.length;
    for (const score of scores) {
      rows[at++] = score.logprob;
      at = writeAlternatives(rows, at, score);
    }
  }
  return rows;
}

type WithAlternatives = Pick<TokenScore, "alternatives">;

function alternativesLength({ alternatives }: WithAlternatives): number {
  return 1 + 2 * alternatives.length;
}

/** Returns the place behind them. */
function writeAlternatives(
  rows: Float64Array,
  start: number,
  { alternatives }: WithAlternatives,
): number {
  let at = start;
  rows[at++] = alternatives.length;
  for (const { token, logprob } of alternatives) {
    rows[at++] = token;
    rows[at++] = logprob;
  }
  return at;
}

function readAlternatives(numbers: Iterator<number>): TokenAlternative[] {
  return Array.from({ length: take(numbers) }, () => {
    return { token: take(numbers), logprob: take(numbers) };
  });
}

function take(numbers: Iterator<number>): number {
  const next = numbers.next();
  if (next.done === true) throw new Error("a report ends within a token");
  return next.value;
}
