import type { RunConfig } from "@gumshoe/config";
import { type BilledRun, measureTokens } from "@gumshoe/memory";
import type { RunInputs } from "@gumshoe/protocol";

import { preflight } from "./preflight.js";
import { checkSameInputs, type HashFile, readInputs } from "./run-identity.js";
import { checkModel, describeModel } from "../plan/run-model.js";
import type { RunRecord } from "../run/run-record.js";
import { closeEnvironments, openEnvironments } from "../plan/task-plan.js";
import { taskSources } from "../plan/task-sources.js";
import { checkPrompts } from "../plan/write-prompt.js";

/** The inputs of a run, and warnings about them. */
export interface CheckedInputs {
  readonly inputs: RunInputs;
  /** What the run's memory is computed by. */
  readonly billed: BilledRun;
  readonly warnings: readonly string[];
}

/**
 * Opens a run's inputs and identifies them by content, so that their faults are found at submission
 * and not in the middle of the run.
 *
 * @throws ModelFolderError, ModelConfigError, TokenizerError, ModuleError or InvalidArgumentError
 */
export async function checkInputs(config: RunConfig, hash: HashFile): Promise<CheckedInputs> {
  const model = await checkModel(config);
  checkPrompts(config, model.tokenizer);
  const environments = await openEnvironments(config);
  try {
    const { warnings, tokens } = await preflight({ config, model, environments });
    const inputs = await readInputs(config, taskSources(config, environments), { hash });
    return { inputs, billed: { config, model: model.shape, tokens }, warnings };
  } finally {
    await closeEnvironments(environments);
  }
}

/**
 * Checks that the inputs of a run to be resumed are unchanged.
 *
 * @returns what the run's memory is computed by
 * @throws  InputChangedError naming the field, and the errors of {@link checkInputs}
 */
export async function checkUnchanged(record: RunRecord): Promise<BilledRun> {
  const { located: config, state } = record;
  const known = state.inputs;
  const environments = await openEnvironments(config);
  try {
    if (known !== null) {
      const sources = taskSources(config, environments);
      const now = await readInputs(config, sources, { hash: (file) => record.hash(file), known });
      checkSameInputs(config, known, now);
    }
    const { shape: model, tokenizer } = await describeModel(config);
    const { training, tiers, validation, report } = environments;
    const tokens = await measureTokens(config, tokenizer, {
      training: [training, ...tiers.values()],
      heldOut: [validation, report],
    });
    return { config, model, tokens };
  } finally {
    await closeEnvironments(environments);
  }
}
