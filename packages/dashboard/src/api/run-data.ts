/** The data of one run, kept up to date by the news of its stream. */
import { type GroupKind, GroupTable, RunDetail, RunEvents, Series } from "@gumshoe/api";
import { useSignal } from "@preact/signals";

import { useMessage } from "./live.js";
import { runApi } from "./paths.js";
import { type Data, useData } from "./use-data.js";

const MAX_POINTS = 1500;
const MAX_EVENTS = 1000;
/** Events that a page keeps which stays open. */
const MAX_KEPT_EVENTS = 2000;
/** Curves of many iterations come down-sampled, and are loaded again, but not more often than this. */
const RELOAD_MS = 15_000;

/** Loads a run; its news have neither config nor inputs, which do not change. */
export function useRun(name: string): Data<RunDetail> {
  const data = useData(runApi(name), RunDetail);
  useMessage(
    "run",
    (news) => {
      data.change((run) =>
        news.name === run.name
          ? { ...news, config: run.config, inputs: run.inputs, validations: run.validations }
          : run,
      );
    },
    [name],
  );
  useMessage("progress", (progress) => data.change((run) => ({ ...run, progress })), [name]);
  useMessage(
    "alarms",
    ({ alarms }) => {
      const activeAlarms = alarms.filter((alarm) => alarm.run === name);
      data.change((run) => ({ ...run, activeAlarms, alarms: activeAlarms.length }));
    },
    [name],
  );
  return data;
}

/** Loads the metrics of a run, and adds each iteration as it ends. */
export function useSeries(name: string): Data<Series> {
  const version = useSignal(0);
  const loadedAt = useSignal(performance.now());
  const path = runApi(name, `/series?points=${MAX_POINTS}`);
  const data = useData(path, Series, version.value);
  useMessage(
    "iteration",
    ({ iteration, endedAtMs, workedSeconds, metrics }) => {
      data.change((series) => {
        if (series.every > 1 || series.iterations.length >= MAX_POINTS) {
          if (performance.now() - loadedAt.peek() > RELOAD_MS) {
            loadedAt.value = performance.now();
            version.value += 1;
          }
          return series;
        }
        if (iteration !== series.iterations.length) {
          // A later one than the next: some are missing. An earlier one is there already.
          if (iteration > series.iterations.length) version.value += 1;
          return series;
        }
        const known = new Set(series.columns.map((column) => column.name));
        if (Object.keys(metrics).some((column) => !known.has(column))) version.value += 1;
        return {
          ...series,
          iterationsDone: iteration + 1,
          iterations: [...series.iterations, iteration],
          endedAtMs: [...series.endedAtMs, endedAtMs],
          workedSeconds: [...series.workedSeconds, workedSeconds],
          columns: series.columns.map((column) => ({
            ...column,
            values: [...column.values, metrics[column.name] ?? null],
          })),
        };
      });
    },
    [name],
  );
  useMessage(
    "validation",
    (validation) => {
      data.change((series) => ({
        ...series,
        validations: [
          ...series.validations.filter(({ iteration }) => iteration !== validation.iteration),
          validation,
        ],
      }));
    },
    [name],
  );
  return data;
}

/** Loads the events of a run that are drawn on its axis. */
export function useEvents(name: string): Data<RunEvents> {
  const data = useData(runApi(name, `/events?limit=${MAX_EVENTS}`), RunEvents);
  useMessage(
    "event",
    (event) => {
      data.change((found) =>
        found.events.some(({ number }) => number === event.number)
          ? found
          : { ...found, events: [...found.events, event].slice(-MAX_KEPT_EVENTS) },
      );
    },
    [name],
  );
  return data;
}

/** Loads the groups of an iteration, and adds each as it is sampled. */
export function useGroups(name: string, iteration: number, kind: GroupKind): Data<GroupTable> {
  const data = useData(runApi(name, `/iterations/${iteration}/${kind}`), GroupTable);
  useMessage(
    "group",
    (row) => {
      if (row.iteration !== iteration || row.kind !== kind) return;
      data.change((table) => ({
        ...table,
        groups: [...table.groups.filter(({ group }) => group !== row.group), row],
      }));
    },
    [name, iteration, kind],
  );
  return data;
}
