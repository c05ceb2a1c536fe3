/** Shares and speeds that follow from an iteration's metrics: numerator, denominator, name. */
const QUOTIENTS = [
  ["numZeroVariance", "numGroups", "zeroVarianceShare"],
  ["numTruncated", "numRollouts", "truncatedShare"],
  ["numOverlong", "numRollouts", "overlongShare"],
  ["numEarlyStopped", "numRollouts", "earlyStoppedShare"],
  ["sampledTokens", "samplingSeconds", "sampledTokensPerSecond"],
  ["learnedTokens", "learningSeconds", "learnedTokensPerSecond"],
] as const;

type Metrics = Readonly<Record<string, number>>;

/** Calls back with the metrics of an iteration as they are shown: with the shares and speeds that follow from them. */
export function forEachShown(
  metrics: Metrics,
  callback: (name: string, value: number) => void,
): void {
  for (const name in metrics) callback(name, metrics[name] as number);
  for (const [numerator, denominator, name] of QUOTIENTS) {
    const [above, below] = [metrics[numerator], metrics[denominator]];
    if (above !== undefined && below !== undefined && below > 0) callback(name, above / below);
  }
}

/** Returns the metrics of an iteration as they are shown. */
export function shownMetrics(metrics: Metrics): Record<string, number> {
  const shown: Record<string, number> = {};
  forEachShown(metrics, (name, value) => (shown[name] = value));
  return shown;
}
