import { existsSync } from "node:fs";
import { join } from "node:path";

import { parseHubModel } from "@gumshoe/config";
import { isAdapterFolder } from "@gumshoe/engine";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { FileError, ModelNotUnderstoodError } from "../errors.js";
import { type AdapterFacts, describeAdapter } from "../model/describe-adapter.js";
import { describeModel, type ModelFacts, type WeightFacts } from "../model/describe-model.js";
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
      "Say what a model or an adapter is: architecture, parameters, dtypes, context, and what would not be understood.",
    )
    .argument(
      "<model>",
      "model or adapter folder, or owner/name[@revision] on the hub, which is fetched",
    );
  withExamples(withJson(command), "gumshoe model info models/rookie");
  command.action(async (given: string, options: { json?: boolean }) => {
    const named = existsSync(given) ? null : parseHubModel(given);
    if (named === null && !existsSync(given)) throw new FileError(given, "there is no such folder");
    const again = shownCommand(context.env, ["model", "info", given]);
    const folder =
      named === null ? given : (await pullModel(named, { only: "model", again }, context)).folder;
    const facts = (await isAdapter(folder))
      ? await describeAdapter(folder)
      : await describeModel(folder);
    const text = () => ("kind" in facts ? describeAdapterFacts(facts) : describe(facts));
    writeResult(context.terminal, options, { value: facts, text });
    if (facts.problems.length > 0) throw new ModelNotUnderstoodError(folder, facts.problems);
  });
}

/** Returns whether a folder holds an adapter, and no model beside it. */
async function isAdapter(folder: string): Promise<boolean> {
  return (await isAdapterFolder(folder)) && !existsSync(join(folder, "config.json"));
}

function describeAdapterFacts(facts: AdapterFacts): string {
  const { base, isBaseHere, rank, alpha, targets, problems } = facts;
  const shown = (value: number | null) => (value === null ? "?" : String(value));
  const here = isBaseHere
    ? ""
    : " (not on this machine, so that the adapter was not compared with it)";
  return toLines([
    ["adapter", `LoRA of rank ${shown(rank)}, alpha ${shown(alpha)}`],
    ["base model", `${base ?? "?"}${base === null ? "" : here}`],
    ["targets", targets?.join(", ") ?? "?"],
    ["parameters", facts.parameters === null ? "?" : formatCount(facts.parameters)],
    ["weights", weightsText(facts)],
    ...problems.map((problem): [string, string] => ["not understood", problem]),
  ]);
}

function weightsText({ weightBytes, dtypes }: WeightFacts): string {
  const each = Object.entries(dtypes).map(
    ([dtype, numbers]) => `${dtype} (${formatCount(numbers)})`,
  );
  return `${formatBytes(weightBytes)}: ${each.join(", ") || "none"}`;
}

function toLines(rows: readonly (readonly string[])[]): string {
  return rows.map(([name = "", value = ""]) => `${name.padEnd(15)} ${value}`).join("\n");
}

function describe(facts: ModelFacts): string {
  const count = (value: number | null) => (value === null ? "?" : formatCount(value));
  return toLines([
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
    ["weights", weightsText(facts)],
    ["chat template", facts.hasChatTemplate ? "yes" : "no"],
    ...facts.problems.map((problem) => ["not understood", problem]),
  ]);
}
