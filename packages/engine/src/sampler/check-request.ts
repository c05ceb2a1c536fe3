import { InvalidArgumentError } from "@gumshoe/core";

import { type ModelConfig } from "../weights/model-config.js";
import { type SampleRequest } from "./sequence.js";

/**
 * Checks a request before anything is computed, because an error in a step would fail all requests of its batch.
 *
 * @throws InvalidArgumentError naming the field
 */
export function checkRequest(
  request: SampleRequest,
  { vocabularySize, maxPositions }: Pick<ModelConfig, "vocabularySize" | "maxPositions">,
): void {
  const refuse = (field: string, problem: string) => {
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
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;
  if (!isCount(count)) refuse("count", `is ${count}, not a whole number from 1 on`);
  if (!isCount(maxNewTokens)) {
    refuse("maxNewTokens", `is ${maxNewTokens}, not a whole number from 1 on`);
  }
  if (!(temperature >= 0 && Number.isFinite(temperature))) {
    refuse("temperature", `is ${temperature}, not a number from 0 on`);
  }
}
