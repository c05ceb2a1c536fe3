import type { GroupKind, GroupRow, GroupTable } from "@gumshoe/api";
import { heldOutConfig, type RunConfig } from "@gumshoe/config";
import { hasZeroVariance } from "@gumshoe/grpo";
import { groupKey, parseGroupKey, type RunEventOf, type WatchedEvent } from "@gumshoe/protocol";

import { numTrainGroups } from "../plan/replacements.js";
import type { RunRecord } from "../run/run-record.js";
import type { RunHistory } from "./run-history.js";

/** Builds the row of a group from its event. */
export function groupRow(config: RunConfig, event: WatchedEvent, task: string | null): GroupRow {
  const body = event.body as RunEventOf<"group-done">;
  const { iteration, kind, index } = parseGroupKey(body.groupKey);
  const scored = body.rewards.filter((reward) => reward !== null);
  const answers = body.rewards.length;
  const mean = body.meanReward;
  return {
    iteration,
    kind,
    group: index,
    greedy: kind !== "train" && index >= (heldOutConfig(config, kind)?.count ?? Infinity),
    task,
    answers,
    rewards: body.rewards,
    mean,
    spread: mean === null ? null : spreadOf(scored, mean),
    tokens: body.tokens,
    meanTokens: answers === 0 ? 0 : body.tokens / answers,
    truncated: body.finishes["length"] ?? 0,
    earlyStopped: body.finishes["early-stop"] ?? 0,
    learns:
      kind === "train" && scored.length > 0 && !(body.equalRewards ?? hasZeroVariance(scored)),
    doneAtMs: event.atMs,
  };
}

function spreadOf(values: readonly number[], mean: number): number {
  const sum = values.reduce((total, value) => total + (value - mean) ** 2, 0);
  return Math.sqrt(sum / values.length);
}

/**
 * Returns the groups of an iteration.
 *
 * @param taskOf  id of a group's task, by group key
 */
export function groupTable(
  record: RunRecord,
  history: RunHistory,
  options: {
    readonly iteration: number;
    readonly kind: GroupKind;
    readonly taskOf: (groupKey: string) => string | null;
  },
): GroupTable {
  const { iteration, kind, taskOf } = options;
  const rows = history
    .groupsOf(iteration, kind)
    .flatMap((number) => record.events.at(number) ?? [])
    .map((event) => {
      const { groupKey: key } = event.body as RunEventOf<"group-done">;
      return groupRow(record.config, event, taskOf(key));
    })
    .sort((a, b) => a.group - b.group);
  const expected = expectedGroups(record, kind, iteration);
  return {
    iteration,
    kind,
    expected,
    complete: expected !== null && rows.length >= expected,
    groups: rows,
  };
}

function expectedGroups(
  { config, state }: RunRecord,
  kind: GroupKind,
  iteration: number,
): number | null {
  if (kind === "train") {
    return config.type === "grpo" ? numTrainGroups(config, state, iteration) : null;
  }
  const heldOut = heldOutConfig(config, kind);
  if (heldOut === null) return null;
  return heldOut.greedy ? 2 * heldOut.count : heldOut.count;
}

/** Finds the event of a group; undefined when it is not sampled. */
export function groupEventOf(
  record: RunRecord,
  history: RunHistory,
  place: { readonly iteration: number; readonly kind: GroupKind; readonly group: number },
): WatchedEvent | undefined {
  const key = groupKey(place.iteration, place.kind, place.group);
  for (const number of history.groupsOf(place.iteration, place.kind)) {
    const event = record.events.at(number);
    if ((event?.body as RunEventOf<"group-done"> | undefined)?.groupKey === key) return event;
  }
  return undefined;
}
