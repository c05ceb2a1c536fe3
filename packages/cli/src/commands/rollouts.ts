import { InvalidArgumentError } from "@gumshoe/core";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { Home } from "../local/home.js";
import {
  newestAnswers,
  readAnswers,
  reportAnswers,
  type RolloutLine,
  runFolderOf,
} from "../run/run-files.js";
import { sideBySide } from "../run/side-by-side.js";
import { formatReward } from "../terminal/format.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { wholeNumber, withExamples, withHome, withJson } from "./options.js";

interface RolloutsOptions {
  readonly home: string;
  readonly iteration?: number;
  readonly validation?: number;
  readonly report?: boolean;
  readonly group?: number;
  readonly json?: boolean;
}

/** Adds `gumshoe rollouts`: the answers of a run. */
export function addRolloutsCommand(program: Command, context: Context): void {
  const command = program
    .command("rollouts")
    .description("Show the answers of a run in the home: its groups, or a group side by side.")
    .argument("<run>", "name of the run")
    .option("--iteration <n>", "iteration, from 0; default: the newest", wholeNumber(0))
    .option("--validation <n>", "the validation after this many iterations", wholeNumber(0))
    .option("--report", "the report on the weights that the run ended with")
    .option("--group <n>", "index of a group: shows its answers side by side", wholeNumber(0));
  withJson(withHome(command, context));
  withExamples(command, "gumshoe rollouts first", "gumshoe rollouts first --iteration 3 --group 0");
  command.action(async (run: string, options: RolloutsOptions) => {
    const folder = runFolderOf(new Home(options.home), run);
    const answers = await readAnswers(folder, answersName(folder, options), options.group ?? null);
    const { group = null } = options;
    const { columns } = context.terminal;
    writeResult(context.terminal, options, {
      value: answers,
      text: () => (group === null ? describeGroups(answers) : describeAnswers(answers, columns)),
    });
  });
}

/** @throws InvalidArgumentError when two kinds of answers are named, or there is no file of them */
function answersName(folder: string, options: RolloutsOptions): string {
  const { iteration, validation, report = false } = options;
  const named = [iteration !== undefined, validation !== undefined, report].filter(Boolean);
  if (named.length > 1) {
    throw new InvalidArgumentError(
      "--report",
      "excludes --iteration and --validation, as those each other",
    );
  }
  if (report) return reportAnswers(folder);
  if (validation !== undefined) return `validation-${validation}`;
  return String(iteration ?? newestAnswers(folder));
}

function describeGroups(answers: readonly RolloutLine[]): string {
  const groups = new Map<string, RolloutLine[]>();
  for (const answer of answers) {
    groups.set(answer.group, [...(groups.get(answer.group) ?? []), answer]);
  }
  const rows = [...groups].map(([key, all]) => {
    const rewards = all.flatMap(({ reward }) => reward ?? []);
    const lengths = all.map(({ tokens }) => tokens);
    const mean = rewards.reduce((sum, reward) => sum + reward, 0) / rewards.length;
    return [
      key.split("/").at(-1) ?? key,
      all[0]?.task ?? "",
      all.length,
      rewards.length === 0 ? "-" : formatReward(mean),
      rewards.length === 0 ? "-" : formatReward(Math.min(...rewards)),
      rewards.length === 0 ? "-" : formatReward(Math.max(...rewards)),
      `${Math.min(...lengths)} to ${Math.max(...lengths)}`,
    ];
  });
  return formatTable(["group", "task", "answers", "reward", "least", "most", "tokens"], rows);
}

/** Shows the prompt once, and the answers side by side, the best first. */
function describeAnswers(answers: readonly RolloutLine[], width: number): string {
  const [first] = answers;
  if (first === undefined) return "there is no such group";
  const sorted = [...answers].sort((a, b) => (b.reward ?? -Infinity) - (a.reward ?? -Infinity));
  const right = first.answer === undefined ? "" : `\n\nright answer: ${shown(first.answer)}`;
  const columns = sorted.map(({ reward, tokens, finish, rollout, reply }) => ({
    title:
      `#${rollout} reward ${reward === null ? "none" : formatReward(reward)}, ${tokens} tokens` +
      (finish === "stop" ? "" : `, ${finish}`),
    text: reply.trimEnd(),
  }));
  return `${first.prompt.trimEnd()}${right}\n\n${sideBySide(columns, width)}`;
}

function shown(answer: unknown): string {
  return typeof answer === "string" ? answer : JSON.stringify(answer);
}
