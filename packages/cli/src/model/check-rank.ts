import type { RunConfig } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { type ModelConfig, rankProblem } from "@gumshoe/engine";

/** @throws InvalidArgumentError when the rank of a run's adapter is impossible for its model */
export function checkRank({ lora }: RunConfig, model: ModelConfig): void {
  const problem = lora === null ? null : rankProblem(model, lora.rank);
  if (problem !== null) throw new InvalidArgumentError("lora.rank", problem);
}
