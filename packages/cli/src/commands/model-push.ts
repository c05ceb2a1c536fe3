import { resolve } from "node:path";

import type { HubModel } from "@gumshoe/config";
import { ClusterError, InvalidArgumentError } from "@gumshoe/core";
import { isAdapterFolder, modelFileNames, openModelFolder } from "@gumshoe/engine";
import { readHubSettings, uploadFolder } from "@gumshoe/hub";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { InterruptedError, ModelNotUnderstoodError } from "../errors.js";
import { describeAdapter } from "../model/describe-adapter.js";
import { modelCard, readCheckpointFacts } from "../model/model-card.js";
import { shownCommand } from "../terminal/shown-command.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { hubName } from "./model-pull.js";
import { withExamples, withJson } from "./options.js";

interface PushOptions {
  readonly private?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe model push`: uploads a checkpoint with a card. */
export function addModelPushCommand(model: Command, context: Context): void {
  const command = model
    .command("push")
    .description(
      "Upload a checkpoint to the Hugging Face hub, without the optimizer's state, with a model card that states " +
        "run, digest, data and rewards. Needs HF_TOKEN with the right to write.",
    )
    .argument("<folder>", "model or adapter folder: a checkpoint of a run, or any other")
    .argument("<name>", "owner/name; made where it is not there", hubName)
    .option("--private", "make it private, where it is made");
  withExamples(
    withJson(command),
    "gumshoe model push .gumshoe/runs/first/checkpoints/30 me/detective --private",
  );
  command.action(async (given: string, name: HubModel, options: PushOptions) => {
    await push(resolve(given), name, { ...options, given }, context);
  });
}

async function push(
  folder: string,
  { name }: HubModel,
  options: PushOptions & { given: string },
  { terminal, env }: Context,
): Promise<void> {
  const settings = readHubSettings(env);
  if (settings.token === null) {
    throw new InvalidArgumentError("HF_TOKEN", "is not set", {
      suggestion: `make a token with the right to write at ${settings.endpoint}/settings/tokens`,
    });
  }
  await checkFolder(folder);
  const { assets, weights } = await modelFileNames(folder);
  const facts = readCheckpointFacts(folder);
  const words = [
    "model",
    "push",
    options.given,
    name,
    ...(options.private === true ? ["--private"] : []),
  ];
  const stop = listenForStop(() => undefined);
  try {
    const uploaded = await uploadFolder({
      settings,
      name,
      folder,
      files: [...assets, ...weights],
      texts: { "README.md": modelCard(name, facts) },
      isPrivate: options.private === true,
      title:
        facts.run === null
          ? "Upload by Gumshoe"
          : `Run ${facts.run}, ${facts.iteration ?? "?"} iterations`,
      signal: stop.signal,
      onPhase: (text) => terminal.err(`${text}\n`),
    });
    writeResult(terminal, options, {
      value: uploaded,
      text: () => `${uploaded.url}: ${uploaded.files.length} files, commit ${uploaded.commit}`,
    });
  } catch (thrown) {
    if (!(thrown instanceof InterruptedError)) throw thrown;
    const again = shownCommand(env, words);
    throw new ClusterError(
      "ABORTED",
      `stopped before the commit; nothing is on the hub yet, begin again by: ${again}`,
    );
  } finally {
    stop.dispose();
  }
}

/** @throws ModelFolderError, ModelConfigError; OtherBaseError of an adapter whose base model is on this machine */
async function checkFolder(folder: string): Promise<void> {
  if (!(await isAdapterFolder(folder))) {
    await (await openModelFolder(folder)).close();
    return;
  }
  const { problems } = await describeAdapter(folder);
  if (problems.length > 0) throw new ModelNotUnderstoodError(folder, problems);
}
