import type { HeldOutTask, HeldOutTasks } from "@gumshoe/api";
import { parseGroupKey } from "@gumshoe/protocol";
import type { RunEventOf } from "@gumshoe/protocol";

import type { RunRecord } from "../run/run-record.js";
import type { RunHistory } from "./run-history.js";

/** Returns the held-out tasks of a run with their rewards through the validations. */
export function heldOutTasks(record: RunRecord, history: RunHistory): HeldOutTasks {
  const count = record.config.validation?.count ?? 0;
  const iterations = [...new Set(history.validations.map(({ iteration }) => iteration))];
  const tasks = Array.from({ length: count }, (_, task): HeldOutTask => ({ task, points: [] }));
  for (const iteration of iterations) {
    const means = meansOf(record, history, iteration);
    for (const { task, points } of tasks) {
      if (!means.has(task)) continue;
      const isGreedyThere = means.has(count + task);
      points.push({
        iteration,
        group: task,
        mean: means.get(task) ?? null,
        greedyGroup: isGreedyThere ? count + task : null,
        greedy: means.get(count + task) ?? null,
      });
    }
  }
  return { iterations, tasks: tasks.filter(({ points }) => points.length > 0) };
}

function meansOf(
  { events }: RunRecord,
  history: RunHistory,
  iteration: number,
): Map<number, number | null> {
  return new Map(
    history.groupsOf(iteration, "validation").map((number) => {
      const { groupKey, meanReward } = events.at(number)?.body as RunEventOf<"group-done">;
      return [parseGroupKey(groupKey).index, meanReward];
    }),
  );
}
