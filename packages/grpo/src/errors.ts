import { ClusterError, InvalidArgumentError } from "@gumshoe/core";

/**
 * Thrown when a group cannot be trained on: an empty prompt, an empty answer, an invalid reward.
 */
export class InvalidGroupError extends ClusterError {
  constructor(
    readonly groupKey: string,
    problem: string,
    readonly rollout: number | null = null,
  ) {
    const place = rollout === null ? groupKey : `${groupKey} rollout ${rollout}`;
    super("INVALID_ARGUMENT", `group ${place}: ${problem}`, { details: { groupKey, rollout } });
  }
}

/** Thrown when a prompt with one answer is longer than a pack. */
export class PackTooSmallError extends InvalidArgumentError {
  constructor(groupKey: string, rollout: number, sizes: { needed: number; maxPackTokens: number }) {
    super(
      "maxPackTokens",
      `group ${groupKey} rollout ${rollout} needs ${sizes.needed} tokens with its prompt, ` +
        `a pack holds ${sizes.maxPackTokens}`,
      { suggestion: "set it to the longest prompt plus the longest answer, or more" },
    );
  }
}

/** Thrown when a loss needs log-probs that are missing, or too few. */
export class MissingLogprobsError extends ClusterError {
  constructor(
    readonly kind: "new" | "old" | "reference" | "entropy",
    problem: string,
  ) {
    super("FAILED_PRECONDITION", `${kind} log-probs: ${problem}`, { details: { kind } });
  }
}

/** Thrown when a loss is not finite, because of the model's outputs or the training data. */
export class NonFiniteLossError extends ClusterError {
  constructor(
    readonly groupKey: string,
    readonly rollout: number,
    readonly token: number,
    values: Record<string, number>,
  ) {
    const shown = Object.entries(values).map(([name, value]) => `${name} ${value}`);
    super(
      "FAILED_PRECONDITION",
      `group ${groupKey} rollout ${rollout} token ${token}: the loss is not finite (${shown.join(", ")})`,
      { details: { groupKey, rollout, token } },
    );
  }
}

/** Thrown when a golden file has an unknown format, version or shape. */
export class GoldenFormatError extends ClusterError {
  constructor(where: string, problem: string) {
    super("INVALID_ARGUMENT", `${where}: ${problem}`, { details: { where } });
  }
}
