import { InvalidArgumentError } from "@gumshoe/core";
import { type Tokenizer } from "@gumshoe/engine";
import { type RunConfig } from "@gumshoe/protocol";

import { checkModel } from "./run-model.js";
import { drawTask, openEnvironments, type OpenEnvironments } from "./task-plan.js";

/** Cases of each tier whose length is looked at before a run goes through tiers. */
const CASES_PER_TIER = 16;

/**
 * Opens what a run starts from, so that a wrong folder or file is told when the run is submitted and
 * not when its turn comes.
 *
 * @throws ModelFolderError, ModelConfigError, TokenizerError, DatasetError, ModuleError or InvalidArgumentError
 */
export async function checkInputs(config: RunConfig): Promise<void> {
  const tokenizer = await checkModel(config);
  await checkTiers(config, await openEnvironments(config), tokenizer);
}

/** Looks whether cases of every tier fit, so that a run does not end when it reaches one. */
async function checkTiers(config: RunConfig, { tiers }: OpenEnvironments, tokenizer: Tokenizer) {
  if (config.type !== "grpo" || config.tasks.curriculum === null) return;
  const { maxPackTokens, rollouts } = config;
  for (const [tier, environment] of tiers) {
    const source = environment.source();
    for (let index = 0; index < CASES_PER_TIER; index++) {
      const { id, messages } = await drawTask(source, index);
      const needed = tokenizer.encodeChat(messages).length + rollouts.maxAnswerTokens;
      if (needed <= maxPackTokens) continue;
      const problem = `case ${id} of the curriculum needs ${needed} tokens with its answer`;
      const suggestion = `a pack holds ${maxPackTokens}; cases of ${tier} differ: leave room`;
      throw new InvalidArgumentError("maxPackTokens", problem, { suggestion });
    }
  }
}
