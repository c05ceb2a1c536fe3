import { type HubModel, parseHubModel } from "@gumshoe/config";
import { type Command, InvalidArgumentError } from "commander";

import type { Context } from "../context.js";
import { pullModel } from "../model/pull-model.js";
import { formatBytes } from "../terminal/format.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

/** Reads a name on the hub. */
export function hubName(text: string): HubModel {
  const model = parseHubModel(text);
  if (model !== null) return model;
  throw new InvalidArgumentError("It must be owner/name or owner/name@revision.");
}

/** Adds `gumshoe model pull`: brings a model of the hub to this machine. */
export function addModelPullCommand(model: Command, context: Context): void {
  const command = model
    .command("pull")
    .description(
      "Fetch a model of the Hugging Face hub into the cache that Python's tools use too, check its hashes, and " +
        "go on where an earlier try ended. HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_TOKEN are honoured.",
    )
    .argument("<name>", "owner/name or owner/name@revision: a branch, a tag or a commit", hubName)
    .option("--tokenizer-only", "leave the weights out");
  withExamples(
    withJson(command),
    "gumshoe model pull Qwen/Qwen2.5-0.5B-Instruct",
    "gumshoe model pull HuggingFaceTB/SmolLM2-135M-Instruct@main --json",
  );
  command.action(async (name: HubModel, options: { tokenizerOnly?: boolean; json?: boolean }) => {
    const only = options.tokenizerOnly === true ? "tokenizer" : "model";
    const text = name.revision === null ? name.name : `${name.name}@${name.revision}`;
    const words = ["model", "pull", text, ...(only === "tokenizer" ? ["--tokenizer-only"] : [])];
    const again = shownCommand(context.env, words);
    const fetched = await pullModel(name, { only, again }, context);
    writeResult(context.terminal, options, {
      value: fetched,
      text: () =>
        `${fetched.name}@${fetched.commit}: ${fetched.files.length} files, ${formatBytes(fetched.bytes)}, hashes ` +
        `checked, ${formatBytes(fetched.fetchedBytes)} fetched\n${fetched.folder}\n` +
        `in a run config: model: ${fetched.name}@${fetched.commit}`,
    });
  });
}
