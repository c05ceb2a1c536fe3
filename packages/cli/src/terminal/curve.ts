const BARS = "▁▂▃▄▅▆▇█";

/**
 * Draws values as a curve of one line, from their smallest to their largest.
 *
 * @param width  most characters; more values than that are averaged, the oldest first
 */
export function drawCurve(values: readonly number[], width: number): string {
  if (values.length === 0 || width < 1) return "";
  const points = averaged(values, width);
  const least = Math.min(...points);
  const range = Math.max(...points) - least;
  return points
    .map((value) => {
      const height = range === 0 ? 0 : (value - least) / range;
      return BARS[Math.min(BARS.length - 1, Math.floor(height * BARS.length))];
    })
    .join("");
}

function averaged(values: readonly number[], width: number): number[] {
  const count = Math.min(width, values.length);
  return Array.from({ length: count }, (_, i) => {
    const part = values.slice(
      Math.floor((i * values.length) / count),
      Math.floor(((i + 1) * values.length) / count),
    );
    return part.reduce((sum, value) => sum + value, 0) / part.length;
  });
}
