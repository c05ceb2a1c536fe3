import { type ListRolloutsResponse, type Rollout, type WeightVersion } from "@gumshoe/protocol";

/** Which answers are wanted. */
export interface RolloutFilter {
  /** Only those of one iteration, from 0. */
  readonly iteration?: number;
  readonly kind?: "train" | "validation";
}

/** Which page of answers is wanted. */
export interface PageOptions extends RolloutFilter {
  /** Most answers of a page, 1 to 500; default 50. */
  readonly pageSize?: number;
  /** `nextPageToken` of the page before; default: the first page. */
  readonly pageToken?: string;
}

/** One sampled answer. */
export interface RolloutInfo {
  /** `<iteration>/train/<task>` or `<iteration>/validation/<task>`. */
  readonly groupKey: string;
  /** Index of the answer in its group. */
  readonly index: number;
  /** The weights that made it. */
  readonly weights: WeightVersion;
  readonly text: string;
  /** Null when it could not be scored; `gradingError` then tells why. */
  readonly reward: number | null;
  readonly gradingError: string | null;
  /** stop, length or early-stop. */
  readonly finish: string;
  /** Sampled tokens, the stop token included. */
  readonly numTokens: number;
  /** Further numbers of the grader, by name. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** A page of answers. */
export interface RolloutPage {
  readonly rollouts: readonly RolloutInfo[];
  /** Null when there are no more, for now. */
  readonly nextPageToken: string | null;
}

/** Unpacks a page from the wire. */
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
