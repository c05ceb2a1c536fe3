/** A curve of the size of a word. */

const WIDTH_PX = 110;
const HEIGHT_PX = 22;

/** Draws values as a small line, labelled with the first and the last. */
export function Sparkline(props: {
  readonly values: readonly (number | null)[];
  readonly label: string;
}) {
  const points = props.values.flatMap((value, i) => (value === null ? [] : [[i, value] as const]));
  const ys = points.map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const across = WIDTH_PX / Math.max(1, props.values.length - 1);
  const along = (HEIGHT_PX - 4) / (high - low || 1);
  const path = points
    .map(([x, y]) => `${(x * across).toFixed(1)} ${(HEIGHT_PX - 2 - (y - low) * along).toFixed(1)}`)
    .join("L");
  return (
    <svg class="sparkline" width={WIDTH_PX} height={HEIGHT_PX} role="img" aria-label={props.label}>
      {points.length > 1 && <path d={`M${path}`} />}
    </svg>
  );
}
