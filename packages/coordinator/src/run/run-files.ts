import { appendFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

import { SubmitGroupRequest } from "@gumshoe/protocol";
import { taskFromJson } from "@gumshoe/puzzles";

import { type GroupPlan } from "./group-specs.js";
import { type RunRecord } from "./run-record.js";

const compress = promisify(gzip);

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
 */
export async function writeRollouts(
  record: RunRecord,
  iteration: number,
  plans: readonly GroupPlan[],
): Promise<ShownRollouts> {
  const lines: string[] = [];
  let example: Example | null = null;
  const graded: Record<string, number>[] = [];
  for (const { groupKey, taskJson } of plans) {
    const blob = await record.blobs.get(record.state.groups.get(groupKey) ?? "");
    const { weights, rollouts } = SubmitGroupRequest.decode(blob);
    const task = taskFromJson(taskJson);
    const prompt = task.messages.map(({ content }) => content).join("\n\n");
    for (const [index, rollout] of rollouts.entries()) {
      const { text: reply, finish, tokens, gradingError } = rollout;
      const reward = rollout.reward ?? null;
      example ??= { prompt, reply, reward };
      graded.push(rollout.metrics);
      lines.push(
        JSON.stringify({
          ...{ group: groupKey, task: task.id, rollout: index, weights: weights?.version ?? 0 },
          ...{ prompt, reply, reward, finish, tokens: tokens.length },
          ...(Object.keys(rollout.metrics).length === 0 ? {} : { metrics: rollout.metrics }),
          ...(gradingError === "" ? {} : { gradingError }),
        }),
      );
    }
  }
  const folder = join(record.folder, "rollouts");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${iteration}.jsonl.gz`), await compress(`${lines.join("\n")}\n`));
  return { example, metrics: meanByName(graded) };
}

function meanByName(graded: readonly Record<string, number>[]): Record<string, number> {
  const names = [...new Set(graded.flatMap((metrics) => Object.keys(metrics)))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const values = graded.flatMap((metrics) => metrics[name] ?? []);
      return [`graded.${name}`, values.reduce((sum, value) => sum + value, 0) / values.length];
    }),
  );
}
