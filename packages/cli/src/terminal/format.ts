/** Formats a mean reward: three digits after the decimal point. */
export function formatReward(reward: number): string {
  return reward.toFixed(3);
}

/** Formats a 95 % interval. */
export function formatInterval(interval: { low: number; high: number }): string {
  return `${formatReward(interval.low)} to ${formatReward(interval.high)}`;
}

/** Formats a share of 0 to 1 in percent; a share is 0 % or 100 % only if it is exactly that. */
export function formatShare(share: number): string {
  const percent =
    share > 0 && share < 1 ? Math.min(99, Math.max(1, Math.round(100 * share))) : 100 * share;
  return `${percent.toFixed(0)} %`;
}

/** Formats a count with thousands separators. */
export function formatCount(count: number): string {
  return Math.round(count).toLocaleString("en-US");
}

/** Formats a duration for people: `8 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Formats a clock for a bar: `3:07`. */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Formats a size for people: `812 B`, `3.4 MB`, `1.9 GB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** Formats machine time: `12.50 core-h`, `3.20 GPU-h, 6.40 EUR`. */
export function formatMachineTime(time: {
  readonly coreHours: number;
  readonly gpuHours: number;
  readonly money?: number | null | undefined;
  readonly currency?: string;
}): string {
  const { coreHours, gpuHours, money, currency = "" } = time;
  const parts = gpuHours > 0 ? [`${gpuHours.toFixed(2)} GPU-h`] : [];
  if (coreHours > 0 || parts.length === 0) parts.push(`${coreHours.toFixed(2)} core-h`);
  if (money !== undefined && money !== null) parts.push(`${money.toFixed(2)} ${currency}`);
  return parts.join(", ");
}
