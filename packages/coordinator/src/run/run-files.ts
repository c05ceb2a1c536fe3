import { createWriteStream } from "node:fs";
import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";

import { SubmitGroupRequest } from "@gumshoe/protocol";
import { taskFromJson } from "@gumshoe/puzzles";

import { type GroupPlan } from "./group-specs.js";
import { type RunRecord } from "./run-record.js";
import { textOf } from "./slab.js";

/** An answer to look at. */
export interface Example {
  readonly prompt: string;
  readonly reply: string;
  readonly reward: number | null;
}

/** What an iteration's rollouts show beside their rewards. */
export interface ShownRollouts {
  /** The first answer; null where there is none. */
  readonly example: Example | null;
  /** Means of the environment's further numbers, as `graded.<name>`, over the answers that have them. */
  readonly metrics: Record<string, number>;
}

/** Adds one iteration's metrics to `metrics.jsonl`. */
export async function appendMetrics(
  record: RunRecord,
  iteration: number,
  metrics: Record<string, number>,
): Promise<void> {
  const line = JSON.stringify({ iteration, ...metrics });
  await appendFile(join(record.folder, "metrics.jsonl"), `${line}\n`);
}

/**
 * Writes an iteration's rollouts as readable JSON lines, compressed: `rollouts/<iteration>.jsonl.gz`.
 * Group after group, as all of them may be more than fits into memory.
 */
export async function writeRollouts(
  record: RunRecord,
  iteration: number,
  plans: readonly GroupPlan[],
): Promise<ShownRollouts> {
  const shown = new ShownSums();
  const folder = join(record.folder, "rollouts");
  await mkdir(folder, { recursive: true });
  await pipeline(
    groupLines(record, plans, shown),
    createGzip(),
    createWriteStream(join(folder, `${iteration}.jsonl.gz`)),
  );
  return { example: shown.example, metrics: shown.means() };
}

/** Yields the lines of each group. */
async function* groupLines(
  record: RunRecord,
  plans: readonly GroupPlan[],
  shown: ShownSums,
): AsyncGenerator<string> {
  for (const { groupKey, task: taskText } of plans) {
    const blob = await record.blobs.get(record.state.groups.get(groupKey) ?? "");
    const { weights, rollouts } = SubmitGroupRequest.decode(blob);
    const task = taskFromJson(textOf(taskText));
    const prompt = task.messages.map(({ content }) => content).join("\n\n");
    const lines = rollouts.map((rollout, index) => {
      const { text: reply, finish, tokens, gradingError } = rollout;
      const reward = rollout.reward ?? null;
      shown.example ??= { prompt, reply, reward };
      shown.add(rollout.metrics);
      return JSON.stringify({
        ...{ group: groupKey, task: task.id, rollout: index, weights: weights?.version ?? 0 },
        ...{ prompt, reply, reward, finish, tokens: tokens.length },
        ...(Object.keys(rollout.metrics).length === 0 ? {} : { metrics: rollout.metrics }),
        ...(gradingError === "" ? {} : { gradingError }),
      });
    });
    yield lines.map((line) => `${line}\n`).join("");
  }
}

/** Adds up what the rollouts show. */
class ShownSums {
  readonly #sums = new Map<string, { sum: number; count: number }>();
  example: Example | null = null;

  add(metrics: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(metrics)) {
      const { sum, count } = this.#sums.get(name) ?? { sum: 0, count: 0 };
      this.#sums.set(name, { sum: sum + value, count: count + 1 });
    }
  }

  /** The mean of each number, by its name. */
  means(): Record<string, number> {
    const byName = [...this.#sums].sort(([a], [b]) => (a < b ? -1 : 1));
    return Object.fromEntries(
      byName.map(([name, { sum, count }]) => [`graded.${name}`, sum / count]),
    );
  }
}
