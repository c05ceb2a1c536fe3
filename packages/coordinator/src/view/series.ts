import { describeMetric, type Series, type SeriesColumn, type SeriesQuery } from "@gumshoe/api";
import { InvalidArgumentError, TimeSlice } from "@gumshoe/core";

import { shownMetrics } from "../run/shown-metrics.js";
import { type RunRecord } from "../run/run-record.js";
import { type RunHistory } from "./run-history.js";

const DEFAULT_POINTS = 1000;

/** Values of one metric in the buckets. */
class Column {
  readonly sums: number[] = [];
  readonly counts: number[] = [];
  readonly min: number[] = [];
  readonly max: number[] = [];

  add(bucket: number, value: number): void {
    this.sums[bucket] = (this.sums[bucket] ?? 0) + value;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.min[bucket] = Math.min(this.min[bucket] ?? value, value);
    this.max[bucket] = Math.max(this.max[bucket] ?? value, value);
  }

  toSeries(name: string, buckets: number, isSampled: boolean): SeriesColumn {
    const list = (value: (bucket: number) => number | undefined) =>
      Array.from({ length: buckets }, (_, bucket) => value(bucket) ?? null);
    const mean = (bucket: number) => {
      const count = this.counts[bucket];
      return count === undefined ? undefined : (this.sums[bucket] ?? 0) / count;
    };
    return {
      name,
      ...describeMetric(name),
      values: list(mean),
      ...(isSampled
        ? { min: list((bucket) => this.min[bucket]), max: list((bucket) => this.max[bucket]) }
        : {}),
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
    const metrics = shownMetrics(state.iterationMetrics[from + i] ?? {});
    for (const [name, value] of Object.entries(metrics)) {
      if (wanted !== null && !wanted.has(name)) continue;
      let column = columns.get(name);
      if (column === undefined) columns.set(name, (column = new Column()));
      column.add(Math.floor(i / every), value);
    }
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
    columns: [...columns].map(([name, column]) => column.toSeries(name, buckets, every > 1)),
    validations: history.validations,
  };
}
