/** Reads the files of a run in the home: they are there whether its cluster runs or not. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

import { errnoOf, errorMessage, InvalidArgumentError } from "@gumshoe/core";
import { z } from "zod";

import { readingError } from "../errors.js";
import type { Home } from "../local/home.js";

const unzip = promisify(gunzip);

const MetricsLine = z.record(z.string(), z.number());
/** One iteration in `metrics.jsonl`. */
export type MetricsLine = Readonly<z.infer<typeof MetricsLine>>;

/** A line of a file of `rollouts/`. */
const RolloutLine = z.object({
  group: z.string(),
  task: z.string(),
  rollout: z.number(),
  weights: z.number(),
  prompt: z.string(),
  reply: z.string(),
  answer: z.unknown(),
  reward: z.number().nullable(),
  finish: z.string(),
  tokens: z.number(),
});
/** A line of a file of `rollouts/`. */
export type RolloutLine = z.infer<typeof RolloutLine>;

/** Returns the folder of a run. @throws InvalidArgumentError when the home has no such run */
export function runFolderOf(home: Home, run: string): string {
  const folder = home.runFolder(run);
  if (/^[\w.-]+$/.test(run) && existsSync(join(folder, "config.json"))) return folder;
  throw new InvalidArgumentError("run", `there is no run ${run} in ${home.folder}`);
}

/** Reads the config of a run. @throws InvalidArgumentError when its file is damaged */
export function readRunConfig(folder: string): Readonly<Record<string, unknown>> {
  const file = join(folder, "config.json");
  return parseAs(z.record(z.string(), z.unknown()), readText(file), file);
}

/**
 * Reads the metrics of a run; none before its first iteration is done. A line in the making is left out.
 *
 * @throws InvalidArgumentError when a line is damaged
 */
export function readMetrics(folder: string): MetricsLine[] {
  const file = join(folder, "metrics.jsonl");
  if (!existsSync(file)) return [];
  return readText(file)
    .split("\n")
    .slice(0, -1)
    .map((line, i) => parseAs(MetricsLine, line, `${file}, line ${i + 1}`));
}

/** Returns the newest iteration with a file of answers. @throws InvalidArgumentError when there is none */
export function newestAnswers(folder: string): number {
  const iterations = namesOfAnswers(folder).filter((name) => /^\d+$/.test(name));
  if (iterations.length > 0) return Math.max(...iterations.map(Number));
  throw new InvalidArgumentError("run", "no iteration of it has its answers written out yet");
}

/** Returns the name of the file with a report's answers. @throws InvalidArgumentError when there is none */
export function reportAnswers(folder: string): string {
  const name = namesOfAnswers(folder).find((one) => one.startsWith("report-"));
  if (name !== undefined) return name;
  const problem = "it has no report: it has not ended, or its config has none";
  throw new InvalidArgumentError("--report", problem);
}

/** Lists the files of answers, without their extension. */
function namesOfAnswers(folder: string): string[] {
  const rollouts = join(folder, "rollouts");
  const names = existsSync(rollouts) ? readdirSync(rollouts) : [];
  return names.flatMap((name) => /^(.+)\.jsonl\.gz$/.exec(name)?.[1] ?? []);
}

/** Returns whether a file of answers is there, by its name without the extension. */
export function hasAnswers(folder: string, name: string): boolean {
  return existsSync(answersFile(folder, name));
}

/**
 * Reads the answers of an iteration, or of a validation.
 *
 * @param name   of the file, without its extension
 * @param group  index of the only group that is wanted; null for all
 * @throws       InvalidArgumentError when there is no such file
 */
export async function readAnswers(
  folder: string,
  name: string,
  group: number | null,
): Promise<RolloutLine[]> {
  const file = answersFile(folder, name);
  if (!existsSync(file)) {
    throw new InvalidArgumentError("iteration", `${name} has no answers: ${file} is not there`);
  }
  const lines: RolloutLine[] = [];
  let number = 0;
  for (const line of (await readCompressed(file)).split("\n")) {
    number += 1;
    if (line === "") continue;
    const key = /^\{"group":"[^"]*\/(\d+)"/.exec(line)?.[1];
    if (group !== null && key !== String(group)) continue;
    lines.push(parseAs(RolloutLine, line, `${file}, line ${number}`));
  }
  return lines;
}

/** @throws InvalidArgumentError when the file is damaged */
async function readCompressed(file: string): Promise<string> {
  try {
    return (await unzip(await readFile(file))).toString("utf8");
  } catch (thrown) {
    if (errnoOf(thrown).startsWith("Z_")) {
      throw new InvalidArgumentError(file, `is damaged: ${errorMessage(thrown)}`);
    }
    throw readingError(file, thrown);
  }
}

/** Parses JSON that a run has written. @param place  file, and line if it has several */
function parseAs<T extends z.ZodType>(schema: T, text: string, place: string): z.infer<T> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new InvalidArgumentError(place, `is not JSON: ${errorMessage(thrown)}`);
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  throw new InvalidArgumentError(place, `is damaged: ${field} ${issue?.message ?? ""}`.trim());
}

function answersFile(folder: string, name: string): string {
  return join(folder, "rollouts", `${name}.jsonl.gz`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (thrown) {
    throw readingError(file, thrown);
  }
}
