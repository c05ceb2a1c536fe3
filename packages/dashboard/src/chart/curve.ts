/** What a chart draws: curves over one axis, and marks on that axis. */

/** The bounds of an interval around a curve. */
export interface Band {
  readonly low: readonly (number | null)[];
  readonly high: readonly (number | null)[];
}

/** One curve. Its arrays have one length. */
export interface Curve {
  readonly label: string;
  /** Places on the axis, ascending. */
  readonly x: readonly number[];
  /** Null where nothing was measured. */
  readonly y: readonly (number | null)[];
  readonly band?: Band | undefined;
  /** The number of its colour. */
  readonly color: number;
  /** Draws each point as a dot, e.g. of a validation. */
  readonly dots?: boolean | undefined;
}

/** Something that happened at a place of the axis. */
export interface Mark {
  readonly x: number;
  readonly label: string;
  readonly tone: "plain" | "warn" | "bad";
}

/** The meaning of the axis: iterations, hours of work (pauses excluded), or seconds since 1970. */
export type AxisKind = "iteration" | "worked" | "clock";

/** A column of an aligned chart; undefined where the curve has no sample of its own. */
export type Column = (number | null | undefined)[];

/**
 * Brings curves onto one axis.
 *
 * @returns the sorted union of all places, and a function that spreads a curve's values over it
 */
export function alignCurves(curves: readonly Curve[]): {
  x: number[];
  spread: (curve: Curve, values: readonly (number | null)[]) => Column;
} {
  const [first] = curves;
  if (first === undefined) return { x: [], spread: () => [] };
  if (curves.every(({ x }) => isSame(x, first.x))) {
    return { x: [...first.x], spread: (_, values) => [...values] };
  }
  const x = [...new Set(curves.flatMap((curve) => curve.x))].sort((a, b) => a - b);
  const places = new Map(x.map((at, i) => [at, i]));
  return {
    x,
    spread: (curve, values) => {
      const column: Column = new Array<undefined>(x.length).fill(undefined);
      curve.x.forEach((at, i) => (column[places.get(at) ?? 0] = values[i] ?? null));
      return column;
    },
  };
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((at, i) => at === b[i]));
}
