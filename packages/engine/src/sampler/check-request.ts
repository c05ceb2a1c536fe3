import { InvalidArgumentError } from "@gumshoe/core";

import type { ModelConfig } from "../weights/model-config.js";
import type { SampleRequest, Sequence } from "./sequence.js";
import { STOP_STRING_LIMITS } from "./stop-strings.js";

/**
 * Checks a request before anything is computed, because an error in a step would fail all requests of its batch.
 *
 * @throws InvalidArgumentError naming the field
 */
export function checkRequest(
  request: SampleRequest,
  limits: Pick<ModelConfig, "vocabularySize" | "maxPositions"> & {
    readonly canDecode: boolean;
    readonly canWait: boolean;
    readonly canScore: boolean;
  },
): void {
  const { vocabularySize, maxPositions } = limits;
  const refuse: Refuse = (field, problem) => {
    throw new InvalidArgumentError(`request ${request.id}: ${field}`, problem);
  };
  const { promptIds, count, maxNewTokens, temperature } = request;
  if (promptIds.length === 0) refuse("promptIds", "is empty");
  if (promptIds.length >= maxPositions) {
    const problem = `has ${promptIds.length} tokens, which leaves no room for an answer`;
    refuse("promptIds", `${problem}: the model has ${maxPositions} positions`);
  }
  for (let i = 0; i < promptIds.length; i++) {
    const id = promptIds[i] as number;
    if (Number.isInteger(id) && id >= 0 && id < vocabularySize) continue;
    refuse("promptIds", `has ${id} at ${i}, outside the vocabulary of ${vocabularySize}`);
  }
  if (!isCount(count)) refuse("count", `is ${count}, not a whole number from 1 on`);
  if (!isCount(maxNewTokens)) {
    refuse("maxNewTokens", `is ${maxNewTokens}, not a whole number from 1 on`);
  }
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    refuse("temperature", `is ${temperature}, not a number from 0 on`);
  }
  checkTurns(request, limits.canWait, refuse);
  checkScores(request, limits, refuse);
  checkOptions(request, vocabularySize, refuse);
  checkStopStrings(request.stopStrings ?? [], limits.canDecode, refuse);
}

/**
 * Checks the tokens that follow a turn of an answer.
 *
 * @throws InvalidArgumentError naming the field
 */
export function checkGiven(
  given: ArrayLike<number>,
  { group, rollout, room }: Sequence,
  vocabularySize: number,
): void {
  const refuse = (problem: string): never => {
    throw new InvalidArgumentError(`request ${group.request.id}: given to ${rollout}`, problem);
  };
  if (given.length === 0) refuse("is empty");
  if (given.length >= room) refuse(`has ${given.length} tokens, and the answer room for ${room}`);
  for (let i = 0; i < given.length; i++) {
    const id = given[i] as number;
    if (Number.isInteger(id) && id >= 0 && id < vocabularySize) continue;
    refuse(`has ${id} at ${i}, outside the vocabulary of ${vocabularySize}`);
  }
}

type Refuse = (field: string, problem: string) => void;

const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;

function checkTurns({ turns }: SampleRequest, canWait: boolean, refuse: Refuse): void {
  if (turns === undefined || turns === null) return;
  if (!canWait) refuse("turns", "cannot be taken by a sampler without onTurns");
  if (turns.maxTokens !== null && !isCount(turns.maxTokens)) {
    refuse("turns.maxTokens", `is ${turns.maxTokens}, not a whole number from 1 on, or null`);
  }
}

function checkScores(
  { alternatives = 0, scoresPrompt = false }: SampleRequest,
  { vocabularySize, canScore }: { vocabularySize: number; canScore: boolean },
  refuse: Refuse,
): void {
  if (!Number.isInteger(alternatives) || alternatives < 0 || alternatives > vocabularySize) {
    const problem = `is ${alternatives}, not a whole number from 0 to ${vocabularySize}`;
    refuse("alternatives", problem);
  }
  if (scoresPrompt && !canScore) {
    refuse("scoresPrompt", "cannot be reported by a sampler without onPromptScores");
  }
}

function checkOptions(request: SampleRequest, vocabularySize: number, refuse: Refuse): void {
  const { topK = null, topP = 1, minP = 0, minNewTokens = 0, maxNewTokens } = request;
  if (topK !== null && !isCount(topK)) {
    refuse("topK", `is ${topK}, not a whole number from 1 on; leave it out to keep all tokens`);
  }
  if (!(topP > 0 && topP <= 1)) refuse("topP", `is ${topP}, not above 0 and at most 1`);
  if (!(minP >= 0 && minP <= 1)) refuse("minP", `is ${minP}, not a number from 0 to 1`);
  if (minNewTokens !== 0 && !isCount(minNewTokens)) {
    refuse("minNewTokens", `is ${minNewTokens}, not a whole number from 0 on`);
  }
  if (minNewTokens > maxNewTokens) {
    refuse("minNewTokens", `is ${minNewTokens}, above maxNewTokens = ${maxNewTokens}`);
  }
  if (minNewTokens > 0 && new Set(request.stopTokenIds).size >= vocabularySize) {
    refuse("minNewTokens", "leaves no token to sample: all are stop tokens");
  }
}

function checkStopStrings(strings: readonly string[], canDecode: boolean, refuse: Refuse): void {
  const { count, length } = STOP_STRING_LIMITS;
  if (strings.length === 0) return;
  if (!canDecode) refuse("stopStrings", "cannot be found by a sampler without a decoder");
  if (strings.length > count) refuse("stopStrings", `has ${strings.length} texts, above ${count}`);
  for (const [i, string] of strings.entries()) {
    const field = `stopStrings[${i}]`;
    if (string === "") refuse(field, "is empty");
    if (string.length > length) refuse(field, `has ${string.length} characters, above ${length}`);
    if (/[\p{Surrogate}\ufffd]/u.test(string)) {
      refuse(field, "has half a character, which no text has");
    }
  }
}
