import type { RunMessageName } from "@gumshoe/api";
import type { Clock } from "@gumshoe/core";
import type { EventStream } from "@gumshoe/http";
import { FINAL_EVENTS, type RunEventType, type WatchedEvent } from "@gumshoe/protocol";

import { formatMessage } from "../http/event-stream.js";
import type { RunRecord } from "../run/run-record.js";
import { shownMetrics } from "../run/shown-metrics.js";
import { groupRow } from "../view/group-table.js";
import type { RunHistory } from "../view/run-history.js";
import type { RunViews } from "../view/run-views.js";

/** Time for which events are gathered, in ms. */
const GATHER_MS = 250;
/** Most events that are sent to a stream that goes on; after more it must read everything again. */
const MAX_MISSED = 2000;

/** Events that change what is said of a run as a whole. */
const CHANGING: readonly RunEventType[] = [
  ...FINAL_EVENTS,
  "run-submitted",
  "run-started",
  "run-resumed",
  "run-paused",
  "run-prioritized",
  "iteration-done",
  "update-done",
  "checkpoint-written",
  "validation-done",
  "report-done",
  "warning",
];

/** What a broadcast is made from. */
export interface BroadcastSources {
  readonly record: RunRecord;
  readonly history: RunHistory;
  readonly views: RunViews;
  readonly clock: Clock;
}

/** Sends the events of one run to any number of streams; a message is made once for all of them. */
export class RunBroadcast {
  readonly #sources: BroadcastSources;
  readonly #streams = new Set<EventStream>();
  readonly #stopListening: () => void;
  #gathered: WatchedEvent[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(sources: BroadcastSources) {
    this.#sources = sources;
    this.#stopListening = sources.record.events.subscribe((event) => this.#take(event));
  }

  get numStreams(): number {
    return this.#streams.size;
  }

  /** Adds a stream: sends the run as it is, then what it missed since an event, then what happens. */
  add(stream: EventStream, after: number | null): void {
    const { record, views } = this.#sources;
    this.#flush();
    const last = record.events.lastNumber;
    stream.write(formatMessage("run" satisfies RunMessageName, views.live(record)));
    if (after !== null && last - after > MAX_MISSED) {
      stream.write(formatMessage("reset" satisfies RunMessageName, { lastEvent: last }, last));
    } else if (after !== null) {
      for (let number = after + 1; number <= last; number++) {
        const event = record.events.at(number);
        if (event !== undefined) stream.write(this.#messagesOf(event));
      }
    }
    this.#streams.add(stream);
    void stream.closed.then(() => this.#streams.delete(stream));
  }

  /** Sends a message that belongs to no event. */
  send(text: string): void {
    for (const stream of this.#streams) stream.write(text);
  }

  /** Ends all streams; their browsers connect again. */
  stop(): void {
    this.#stopListening();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const stream of this.#streams) stream.end();
  }

  #take(event: WatchedEvent): void {
    if (this.#streams.size === 0) return;
    this.#gathered.push(event);
    this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const { record, history, views } = this.#sources;
    history.catchUpNow();
    const events = this.#gathered.splice(0);
    if (events.length === 0 || this.#streams.size === 0) return;
    const progress = events.findLast(({ body }) => body.type === "progress");
    const changes = events.some(({ body }) => CHANGING.includes(body.type));
    const stored = events.filter(({ number }) => number > 0);
    let text = changes ? formatMessage("run" satisfies RunMessageName, views.live(record)) : "";
    for (const event of stored) text += this.#messagesOf(event);
    const shown = progress === undefined ? null : views.noteProgress(record, progress);
    if (shown !== null) text += formatMessage("progress" satisfies RunMessageName, shown);
    this.send(text);
  }

  /** Formats the messages of a stored event; all have its number. */
  #messagesOf(event: WatchedEvent): string {
    const { number, body } = event;
    const { record, history } = this.#sources;
    const format = (name: RunMessageName, data: unknown) => formatMessage(name, data, number);
    let text = "";
    if (body.type === "group-done") text += format("group", groupRow(record.config, event, null));
    if (body.type === "iteration-done") {
      const { iteration } = body;
      const end = history.ends[iteration];
      text += format("iteration", {
        iteration,
        endedAtMs: end?.atMs ?? null,
        workedSeconds: (end?.workedMs ?? 0) / 1000,
        metrics: shownMetrics(body.metrics),
      });
    }
    if (body.type === "validation-done") {
      const found = history.validations.find(({ iteration }) => iteration === body.iteration);
      if (found !== undefined) text += format("validation", found);
    }
    const item = itemOf(history, number);
    return item === undefined ? text : text + format("event", item);
  }
}

/** Finds the item of an event: they are in the order of their numbers. */
function itemOf({ items }: RunHistory, number: number) {
  let [low, high] = [0, items.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item === undefined || item.number === number) return item;
    if (item.number < number) low = middle + 1;
    else high = middle - 1;
  }
  return undefined;
}
