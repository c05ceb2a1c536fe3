import { type HubFileName, hubFileText, parseHubFile } from "@gumshoe/config";
import { type Command, InvalidArgumentError } from "commander";

import type { Context } from "../context.js";
import { pullDataFile } from "../hub/pull-data-file.js";
import { formatBytes } from "../terminal/format.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

/** Reads the name of a file on the hub. */
function hubFile(text: string): HubFileName {
  const named = parseHubFile(text);
  if (named !== null) return named;
  throw new InvalidArgumentError(
    "It must be hf://datasets/owner/name/path or hf://datasets/owner/name@revision/path.",
  );
}

/** Adds `gumshoe data`: brings files of data sets on the hub to this machine. */
export function addDataCommand(program: Command, context: Context): void {
  const data = program.command("data").description("Fetch data sets of the Hugging Face hub.");
  const command = data
    .command("pull")
    .description(
      "Fetch a file of a data set on the Hugging Face hub into the cache that Python's tools use too, check its " +
        "hash, and go on where an earlier try ended. HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_TOKEN are honoured.",
    )
    .argument(
      "<file>",
      "hf://datasets/owner/name@revision/path; without a revision: main",
      hubFile,
    );
  withExamples(
    withJson(command),
    "gumshoe data pull hf://datasets/openai/gsm8k/main/train-00000-of-00001.parquet",
  );
  command.action(async (named: HubFileName, options: { json?: boolean }) => {
    const again = shownCommand(context.env, ["data", "pull", hubFileText(named)]);
    const fetched = await pullDataFile(named, { type: "file", again }, context);
    const { name, commit, path, file, bytes, fetchedBytes } = fetched;
    const pinned = hubFileText({ name, revision: commit, path });
    writeResult(context.terminal, options, {
      value: { ...fetched, source: pinned },
      text: () =>
        `${pinned}: ${formatBytes(bytes)}, hash checked, ${formatBytes(fetchedBytes)} fetched\n${file}\n` +
        `in a run config: source: { type: file, file: "${pinned}" }`,
    });
  });
}
