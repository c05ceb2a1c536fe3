import type { ListRolloutsResponse, Rollout, WeightVersion } from "@gumshoe/protocol";

/** Filter of a run's answers. */
export interface RolloutFilter {
  /** Returns only the answers of one iteration, from 0. */
  readonly iteration?: number;
  readonly kind?: "train" | "validation" | "report";
}

/** Filter and position of a page of answers. */
export interface PageOptions extends RolloutFilter {
  /** Most answers of a page, 1 to 500; default 50. */
  readonly pageSize?: number;
  /** `nextPageToken` of the previous page; default: the first page. */
  readonly pageToken?: string;
}

/** One sampled answer. */
export interface RolloutInfo {
  /** `<iteration>/train/<task>`, `<iteration>/validation/<task>` or `<iteration>/report/<task>`. */
  readonly groupKey: string;
  /** Index of the answer in its group. */
  readonly index: number;
  /** The weights it was sampled with. */
  readonly weights: WeightVersion;
  readonly text: string;
  /** Null when it could not be scored; `gradingError` is the reason. */
  readonly reward: number | null;
  readonly gradingError: string | null;
  /** stop, stop-string, length or early-stop. */
  readonly finish: string;
  /** Number of sampled tokens, including the stop token. */
  readonly numTokens: number;
  /** Further metrics of the grader, by name. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** A page of answers. */
export interface RolloutPage {
  readonly rollouts: readonly RolloutInfo[];
  /** Null when there are no more so far. */
  readonly nextPageToken: string | null;
}

/** Converts a page message. */
export function fromRolloutPage({ rollouts, nextPageToken }: ListRolloutsResponse): RolloutPage {
  return {
    rollouts: rollouts.map(fromRollout),
    nextPageToken: nextPageToken === "" ? null : nextPageToken,
  };
}

function fromRollout(rollout: Rollout): RolloutInfo {
  const { weights, reward, gradingError, ...same } = rollout;
  return {
    ...same,
    weights: weights ?? { version: 0, digest: "" },
    reward: reward ?? null,
    gradingError: gradingError === "" ? null : gradingError,
  };
}
