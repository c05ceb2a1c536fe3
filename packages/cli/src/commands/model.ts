import type { Command } from "commander";

import type { Context } from "../context.js";
import { addModelInfoCommand } from "./model-info.js";
import { addModelInitCommand } from "./model-init.js";
import { addModelMergeCommand } from "./model-merge.js";
import { addModelPullCommand } from "./model-pull.js";
import { addModelPushCommand } from "./model-push.js";

/** Adds `gumshoe model`: looks at models, fetches and uploads them, makes new ones, merges adapters. */
export function addModelCommand(program: Command, context: Context): void {
  const model = program
    .command("model")
    .description(
      "Look at model folders, fetch and upload models of the Hugging Face hub, make new ones, merge adapters.",
    );
  addModelInfoCommand(model, context);
  addModelPullCommand(model, context);
  addModelPushCommand(model, context);
  addModelInitCommand(model, context);
  addModelMergeCommand(model, context);
}
