import { type RunConfig } from "@gumshoe/protocol";

import { checkModel } from "./run-model.js";
import { openSources } from "./task-plan.js";

/**
 * Opens what a run starts from, so that a wrong folder or file is told when the run is submitted and
 * not when its turn comes.
 *
 * @throws ModelFolderError, ModelConfigError, TokenizerError, DatasetError or InvalidArgumentError
 */
export async function checkInputs(config: RunConfig): Promise<void> {
  await checkModel(config);
  await openSources(config);
}
