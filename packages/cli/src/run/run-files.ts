/** Reads the files of a run in the home: they are there whether its cluster runs or not. */
import { createReadStream, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";

import { InvalidArgumentError } from "@gumshoe/core";
import { z } from "zod";

import { readingError } from "../errors.js";
import { type Home } from "../local/home.js";

/** One iteration in `metrics.jsonl`. */
export type MetricsLine = Readonly<Record<string, number>>;

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

/** Reads the config of a run. */
export function readRunConfig(folder: string): unknown {
  return JSON.parse(readText(join(folder, "config.json")));
}

/** Reads the metrics of a run; none before its first iteration is done. A line in the making is left out. */
export function readMetrics(folder: string): MetricsLine[] {
  const file = join(folder, "metrics.jsonl");
  if (!existsSync(file)) return [];
  return readText(file)
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as MetricsLine);
}

/** Returns the newest iteration with a file of answers. @throws InvalidArgumentError when there is none */
export function newestAnswers(folder: string): number {
  const rollouts = join(folder, "rollouts");
  const names = existsSync(rollouts) ? readdirSync(rollouts) : [];
  const iterations = names.flatMap((name) => /^(\d+)\.jsonl\.gz$/.exec(name)?.[1] ?? []);
  if (iterations.length > 0) return Math.max(...iterations.map(Number));
  throw new InvalidArgumentError("run", "no iteration of it has its answers written out yet");
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
  const input = createReadStream(file).pipe(createGunzip());
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    const key = /^\{"group":"[^"]*\/(\d+)"/.exec(line)?.[1];
    if (group === null || key === String(group)) lines.push(RolloutLine.parse(JSON.parse(line)));
  }
  return lines;
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
