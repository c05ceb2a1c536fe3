/**
 * `rollouts/`: the sampled answers as compressed JSON lines, for people and their tools.
 *
 * - `<iteration>.jsonl.gz` holds the answers that an iteration learns from,
 *   `validation-<iteration>.jsonl.gz` those of the validation after that many iterations, and
 *   `report-<iteration>.jsonl.gz` those of the report on weights after that many.
 * - A line holds question, reply and reference answer; docs/operations.md lists its fields.
 * - A file is written atomically: complete or not at all.
 */
import { createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { replaceFile } from "@gumshoe/core";

import { sourceOfTask } from "@gumshoe/environments";
import { type GroupKind, REWARD_PREFIX, sampledCount, SubmitGroupRequest } from "@gumshoe/protocol";
import { readTask } from "@gumshoe/puzzles";

import { makeSubfolder } from "../ledger/subfolder.js";
import type { GroupPlan } from "../plan/group-planner.js";
import type { RunRecord } from "../run/run-record.js";

/** An example answer, for people. */
export interface Example {
  readonly prompt: string;
  readonly reply: string;
  readonly reward: number | null;
}

/** What a file's rollouts contribute to the event stream, beside their rewards. */
export interface ShownRollouts {
  /** The first answer; null when there is none. */
  readonly example: Example | null;
  /**
   * Means of the environment's further metrics, as `graded.<name>`, and of several rewards, as
   * `rewards.<name>`, over the answers that have them; of a mix also `sources.<name>.meanReward` and
   * the number of groups. Values, or sums, that are not finite are left out of the mean, and
   * `graded.<name>.notFinite` counts them.
   */
  readonly metrics: Record<string, number>;
}

/** Returns the file with the answers that an iteration learns from, or with those of a validation or report. */
export function rolloutFile(runFolder: string, kind: GroupKind, iteration: number): string {
  const name = kind === "train" ? iteration : `${kind}-${iteration}`;
  return join(runFolder, "rollouts", `${name}.jsonl.gz`);
}

/** Writes groups to their file of `rollouts/`, one at a time: together they may exceed the memory. */
export async function writeRollouts(
  record: RunRecord,
  { kind, iteration }: { readonly kind: GroupKind; readonly iteration: number },
  plans: readonly GroupPlan[],
): Promise<ShownRollouts> {
  const shown = new ShownSums();
  const file = rolloutFile(record.folder, kind, iteration);
  await makeSubfolder(dirname(file));
  await replaceFile(file, (temporary) =>
    pipeline(
      groupLines(record, plans, shown),
      createGzip(),
      createWriteStream(temporary, { flush: true }),
    ),
  );
  return { example: shown.example, metrics: shown.means() };
}

/** Yields the lines of each group. */
async function* groupLines(
  record: RunRecord,
  plans: readonly GroupPlan[],
  shown: ShownSums,
): AsyncGenerator<string> {
  for (const { groupKey, taskJson } of plans) {
    const blob = await record.blobs.get(record.state.groups.get(groupKey) ?? "");
    const { weights, rollouts } = SubmitGroupRequest.decode(blob);
    const { task, fields } = readTask(taskJson.toString());
    const prompt = task.messages.map(({ content }) => content).join("\n\n");
    const answer = fields["solution"] ?? fields["answer"];
    const source = sourceOfTask(fields);
    shown.addGroup(source, rollouts);
    const lines = rollouts.map((rollout, index) => {
      const { text: reply, finish, gradingError, messages } = rollout;
      const reward = rollout.reward ?? null;
      shown.example ??= { prompt, reply, reward };
      shown.add(rollout.metrics);
      return JSON.stringify({
        group: groupKey,
        task: task.id,
        source: source ?? undefined,
        rollout: index,
        weights: weights?.version ?? 0,
        prompt,
        reply,
        answer,
        reward,
        finish,
        tokens: sampledCount(rollout),
        metrics: Object.keys(rollout.metrics).length === 0 ? undefined : rollout.metrics,
        gradingError: gradingError === "" ? undefined : gradingError,
        messages: messages.length === 0 ? undefined : messages,
      });
    });
    yield lines.map((line) => `${line}\n`).join("");
  }
}

interface MetricSum {
  sum: number;
  /** Values in the sum. */
  count: number;
  /** Values that are not finite. */
  numNotFinite: number;
}

/** Accumulates the metrics of rollouts. */
class ShownSums {
  readonly #sums = new Map<string, MetricSum>();
  readonly #sources = new Map<string, { sum: number; count: number; numGroups: number }>();
  example: Example | null = null;

  add(metrics: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(metrics)) {
      const of = this.#sums.get(name) ?? { sum: 0, count: 0, numNotFinite: 0 };
      this.#sums.set(name, of);
      if (Number.isFinite(value)) {
        of.sum += value;
        of.count += 1;
      } else {
        of.numNotFinite += 1;
      }
    }
  }

  /** Adds the rewards of a group from a source of a mix; null for another environment. */
  addGroup(source: string | null, rollouts: readonly { reward?: number | undefined }[]): void {
    if (source === null) return;
    const of = this.#sources.get(source) ?? { sum: 0, count: 0, numGroups: 0 };
    this.#sources.set(source, of);
    of.numGroups += 1;
    for (const { reward } of rollouts) {
      if (reward === undefined) continue;
      of.sum += reward;
      of.count += 1;
    }
  }

  /** Returns the mean of each metric, by name. */
  means(): Record<string, number> {
    const means: Record<string, number> = {};
    for (const [source, { sum, count, numGroups }] of [...this.#sources].sort(byName)) {
      means[`sources.${source}.numGroups`] = numGroups;
      if (count > 0) means[`sources.${source}.meanReward`] = sum / count;
    }
    for (const [name, { sum, count, numNotFinite }] of [...this.#sums].sort(byName)) {
      const mean = sum / count;
      const shown = name.startsWith(REWARD_PREFIX) ? name : `graded.${name}`;
      if (Number.isFinite(mean)) means[shown] = mean;
      const numLeftOut = Number.isFinite(sum) ? numNotFinite : numNotFinite + count;
      if (numLeftOut > 0) means[`${shown}.notFinite`] = numLeftOut;
    }
    return means;
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
