import { describeMetric, type Series, type SeriesColumn, type SeriesQuery } from "@gumshoe/api";
import { InvalidArgumentError, TimeSlice } from "@gumshoe/core";

import { forEachShown } from "../run/shown-metrics.js";
import type { RunRecord } from "../run/run-record.js";
import type { RunHistory } from "./run-history.js";

const DEFAULT_POINTS = 1000;

/** Digits of a value that stands for several iterations: a long series is then half as long. */
const SAMPLED_DIGITS = 6;

/** Values of one metric in the buckets. */
class Column {
  readonly #sums: Float64Array;
  readonly #counts: Uint32Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;

  constructor(buckets: number) {
    this.#sums = new Float64Array(buckets);
    this.#counts = new Uint32Array(buckets);
    this.#min = new Float64Array(buckets).fill(Infinity);
    this.#max = new Float64Array(buckets).fill(-Infinity);
  }

  add(bucket: number, value: number): void {
    (this.#sums[bucket] as number) += value;
    (this.#counts[bucket] as number) += 1;
    if (value < (this.#min[bucket] as number)) this.#min[bucket] = value;
    if (value > (this.#max[bucket] as number)) this.#max[bucket] = value;
  }

  toSeries(name: string, isSampled: boolean): SeriesColumn {
    const list = (values: Float64Array) =>
      Array.from(this.#counts, (count, bucket) => {
        if (count === 0) return null;
        const value = values[bucket] as number;
        return isSampled ? Number(value.toPrecision(SAMPLED_DIGITS)) : value;
      });
    const means = this.#sums.map((sum, bucket) => sum / (this.#counts[bucket] as number));
    return {
      name,
      ...describeMetric(name),
      values: list(means),
      ...(isSampled ? { min: list(this.#min), max: list(this.#max) } : {}),
    };
  }
}

/** Returns the metrics of a run in at most `points` buckets. */
export async function seriesOf(
  record: RunRecord,
  history: RunHistory,
  query: SeriesQuery,
): Promise<Series> {
  const { state, config } = record;
  const from = query.from ?? 0;
  const to = Math.min(query.to ?? Infinity, state.iterationsDone - 1);
  if (query.to !== undefined && query.to < from) {
    throw new InvalidArgumentError("to", `${query.to} is before from, ${from}`);
  }
  const count = Math.max(0, to - from + 1);
  const every = Math.max(1, Math.ceil(count / Math.max(1, query.points ?? DEFAULT_POINTS)));
  const buckets = Math.ceil(count / every);
  const columns = new Map<string, Column>();
  const wanted = query.names === undefined ? null : new Set(query.names.split(","));
  const slice = new TimeSlice();
  for (let i = 0; i < count; i++) {
    const bucket = Math.floor(i / every);
    forEachShown(state.iterationMetrics[from + i] ?? {}, (name, value) => {
      if (wanted !== null && !wanted.has(name)) return;
      let column = columns.get(name);
      if (column === undefined) columns.set(name, (column = new Column(buckets)));
      column.add(bucket, value);
    });
    await slice.yieldWhenOver();
  }
  const listed: SeriesColumn[] = [];
  for (const [name, column] of columns) {
    listed.push(column.toSeries(name, every > 1));
    await slice.yieldWhenOver();
  }
  const endOf = (bucket: number) => history.ends[Math.min(to, from + (bucket + 1) * every - 1)];
  const places = Array.from({ length: buckets }, (_, bucket) => bucket);
  return {
    run: config.name,
    every,
    iterationsDone: state.iterationsDone,
    iterations: places.map((bucket) => from + bucket * every),
    endedAtMs: places.map((bucket) => endOf(bucket)?.atMs ?? null),
    workedSeconds: places.map((bucket) => (endOf(bucket)?.workedMs ?? 0) / 1000),
    columns: listed,
    validations: history.validations,
  };
}
