/** Shares and speeds that follow from an iteration's metrics: numerator, denominator, name. */
const QUOTIENTS = [
  ["numZeroVariance", "numGroups", "zeroVarianceShare"],
  ["numTruncated", "numRollouts", "truncatedShare"],
  ["numEarlyStopped", "numRollouts", "earlyStoppedShare"],
  ["sampledTokens", "samplingSeconds", "sampledTokensPerSecond"],
  ["learnedTokens", "learningSeconds", "learnedTokensPerSecond"],
] as const;

/** Returns the metrics of an iteration as they are shown: with the shares and speeds that follow from them. */
export function shownMetrics(metrics: Readonly<Record<string, number>>): Record<string, number> {
  const shown = { ...metrics };
  for (const [numerator, denominator, name] of QUOTIENTS) {
    const [above, below] = [metrics[numerator], metrics[denominator]];
    if (above !== undefined && below !== undefined && below > 0) shown[name] = above / below;
  }
  return shown;
}
