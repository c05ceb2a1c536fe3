import { heldOutConfig, type RunConfig } from "@gumshoe/config";
import { blocksFor, SAMPLER_DEFAULTS } from "@gumshoe/engine";

/** Groups that an inference worker samples together. */
export const GROUPS_IN_FLIGHT = 8;

/** The longest texts that were found among a run's first tasks, in tokens. */
export interface MeasuredTokens {
  readonly prompt: number;
  /** Prompt and right reply of an example; null where a run has no examples. */
  readonly example: number | null;
}

/** One pack at its longest. */
export interface PackSize {
  readonly rows: number;
  readonly targets: number;
  /** Blocks of keys and values. */
  readonly numBlocks: number;
}

/** What a run computes at a time, at most. */
export interface WorkSize {
  /** Groups that one inference worker has in hand. */
  readonly groups: number;
  readonly answersPerGroup: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
  readonly pack: PackSize;
  /** Packs of one lane. */
  readonly packsPerLane: number;
  readonly lanes: number;
  /** Whether answers are sampled at all. */
  readonly samples: boolean;
}

/**
 * Returns what a run computes at a time.
 *
 * @param tokens  as measured on its first tasks; null: prompts are as long as a pack allows
 */
export function workSize(config: RunConfig, tokens: MeasuredTokens | null): WorkSize {
  const { maxPackTokens, lanes } = config;
  const answerTokens = answerTokensOf(config);
  const promptTokens = tokens?.prompt ?? Math.max(1, maxPackTokens - answerTokens);
  const heldOut = (["validation", "report"] as const).flatMap(
    (kind) => heldOutConfig(config, kind) ?? [],
  );
  const most = (values: readonly number[]) => Math.max(0, ...values);
  const checked = most(
    heldOut.map(({ samplesPerTask, greedy }) => samplesPerTask + (greedy ? 1 : 0)),
  );
  const heldOutTasks = most(heldOut.map(({ count }) => count));
  const shared = { promptTokens, answerTokens, lanes };
  if (config.type === "sft") {
    const rows = Math.min(maxPackTokens, tokens?.example ?? maxPackTokens);
    const targets = Math.max(1, rows - (tokens?.prompt ?? 0));
    return {
      ...shared,
      groups: Math.min(GROUPS_IN_FLIGHT, heldOutTasks),
      answersPerGroup: checked,
      pack: { rows, targets, numBlocks: blocksFor(rows) + 1 },
      packsPerLane: Math.ceil(config.examples.perUpdate / lanes),
      samples: heldOut.length > 0,
    };
  }
  const { perTask } = config.rollouts;
  const perPack = Math.max(
    1,
    Math.min(perTask, Math.floor((maxPackTokens - promptTokens) / answerTokens)),
  );
  const targets = perPack * answerTokens;
  const packsPerGroup = Math.ceil(perTask / perPack);
  const groupsPerLane = Math.ceil(config.tasks.perIteration / config.updatesPerIteration / lanes);
  const tasks = Math.max(config.tasks.perIteration, heldOutTasks);
  return {
    ...shared,
    groups: Math.min(GROUPS_IN_FLIGHT, tasks),
    answersPerGroup: Math.max(perTask, checked),
    pack: {
      rows: promptTokens + targets,
      targets,
      numBlocks: blocksFor(promptTokens) + perPack * blocksFor(answerTokens),
    },
    packsPerLane: packsPerGroup * groupsPerLane,
    samples: true,
  };
}

/** Answers that one inference worker samples together. */
export function answersInFlight({ groups, answersPerGroup }: WorkSize): number {
  return Math.min(SAMPLER_DEFAULTS.maxBatch, groups * answersPerGroup);
}

function answerTokensOf(config: RunConfig): number {
  return config.type === "grpo" ? config.rollouts.maxAnswerTokens : config.maxAnswerTokens;
}
