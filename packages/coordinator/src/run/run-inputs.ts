import { InvalidArgumentError } from "@gumshoe/core";
import { type Tokenizer } from "@gumshoe/engine";
import { type RunConfig, type RunInputs } from "@gumshoe/protocol";

import { checkSameInputs, type HashFile, readInputs } from "./run-identity.js";
import { checkModel } from "./run-model.js";
import { type RunRecord } from "./run-record.js";
import { drawTask, openEnvironments, type OpenEnvironments } from "./task-plan.js";
import { taskSources } from "./task-sources.js";

/** Cases of each tier whose length is looked at before a run goes through tiers. */
const CASES_PER_TIER = 16;

/**
 * Opens what a run starts from and returns it by its content, so that a wrong folder or file is told when the run is submitted and
 * not when its turn comes.
 *
 * @throws ModelFolderError, ModelConfigError, TokenizerError, DatasetError, ModuleError or InvalidArgumentError
 */
export async function checkInputs(config: RunConfig, hash: HashFile): Promise<RunInputs> {
  const tokenizer = await checkModel(config);
  const environments = await openEnvironments(config);
  await checkTiers(config, environments, tokenizer);
  return readInputs(config, await taskSources(config, environments), { hash });
}

/**
 * Looks whether a run that is to be taken up again reads what it began with.
 *
 * @throws InputChangedError naming the field, and what {@link checkInputs} throws
 */
export async function checkUnchanged(record: RunRecord): Promise<void> {
  const { config, state } = record;
  const known = state.inputs;
  if (known === null) return;
  const sources = await taskSources(config, await openEnvironments(config));
  const now = await readInputs(config, sources, { hash: (file) => record.hash(file), known });
  checkSameInputs(config, known, now);
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
