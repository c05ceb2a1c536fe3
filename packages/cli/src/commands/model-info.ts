import { existsSync } from "node:fs";

import { parseHubModel } from "@gumshoe/config";
import { type Command } from "commander";

import { type Context } from "../context.js";
import { FileError, ModelNotUnderstoodError } from "../errors.js";
import { describeModel, type ModelFacts } from "../model/describe-model.js";
import { pullModel } from "../model/pull-model.js";
import { formatBytes, formatCount } from "../terminal/format.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { withExamples, withJson } from "./options.js";

/** Adds `gumshoe model info`: what a model folder holds, and whether it would be understood. */
export function addModelInfoCommand(model: Command, context: Context): void {
  const command = model
    .command("info")
    .description(
      "Say what a model is: architecture, parameters, dtypes, context, and what would not be understood.",
    )
    .argument("<model>", "model folder, or owner/name[@revision] on the hub, which is fetched");
  withExamples(withJson(command), "gumshoe model info models/rookie");
  command.action(async (given: string, options: { json?: boolean }) => {
    const named = existsSync(given) ? null : parseHubModel(given);
    if (named === null && !existsSync(given)) throw new FileError(given, "there is no such folder");
    const again = shownCommand(context.env, ["model", "info", given]);
    const folder =
      named === null ? given : (await pullModel(named, { only: "model", again }, context)).folder;
    const facts = await describeModel(folder);
    writeResult(context.terminal, options, { value: facts, text: () => describe(facts) });
    if (facts.problems.length > 0) throw new ModelNotUnderstoodError(folder, facts.problems);
  });
}

function describe(facts: ModelFacts): string {
  const count = (value: number | null) => (value === null ? "?" : formatCount(value));
  const dtypes = Object.entries(facts.dtypes).map(
    ([dtype, numbers]) => `${dtype} (${formatCount(numbers)})`,
  );
  const rows = [
    ["architecture", `${facts.architecture ?? "?"} (family ${facts.family ?? "not known"})`],
    ["parameters", count(facts.parameters)],
    [
      "shape",
      `${count(facts.layers)} layers, width ${count(facts.width)}, ${count(facts.heads)} heads, ${count(facts.kvHeads)} for keys and values`,
    ],
    [
      "vocabulary",
      `${count(facts.vocabulary)}, head ${facts.tiedHead === true ? "tied to it" : "of its own"}`,
    ],
    ["context", `${count(facts.context)} tokens`],
    ["weights", `${formatBytes(facts.weightBytes)}: ${dtypes.join(", ") || "none"}`],
    ["chat template", facts.hasChatTemplate ? "yes" : "no"],
    ...facts.problems.map((problem) => ["not understood", problem]),
  ];
  return rows.map(([name = "", value = ""]) => `${name.padEnd(15)} ${value}`).join("\n");
}
