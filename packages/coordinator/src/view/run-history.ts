import type { Attempt, RunEventItem, Validation } from "@gumshoe/api";
import { TimeSlice } from "@gumshoe/core";
import {
  type GroupKind,
  parseGroupKey,
  type RunEventBody,
  type WatchedEvent,
} from "@gumshoe/protocol";

import type { EventHub } from "../ledger/event-hub.js";
import { eventText } from "./event-text.js";

/** The end of an iteration. */
export interface IterationEnd {
  readonly atMs: number;
  /** Time that the run had worked until then. */
  readonly workedMs: number;
  /** Number of its event. */
  readonly number: number;
}

/**
 * What the API needs to know of a run's events beyond the run's state: when things happened, and where
 * in the ledger they are. Built at the first request, and kept up to date by later ones.
 */
export class RunHistory {
  /** Events for people, the oldest first. */
  readonly items: RunEventItem[] = [];
  readonly attempts: Attempt[] = [];
  /** Ends of the iterations, from 0. */
  readonly ends: IterationEnd[] = [];
  readonly validations: Validation[] = [];
  /** Number of the event that planned each iteration. */
  readonly planned: number[] = [];
  /** Numbers of the events of groups, by iteration and kind. */
  readonly #groups = new Map<string, number[]>();
  readonly #events: EventHub;
  #next = 1;
  #isWorking = false;
  #workedMs = 0;
  #lastAtMs = 0;

  constructor(events: EventHub) {
    this.#events = events;
  }

  /** Takes in all events so far, in slices. */
  async catchUp(): Promise<void> {
    const slice = new TimeSlice();
    while (this.#step()) await slice.yieldWhenOver();
  }

  /** Takes in the newest events at once, for a history that is up to date but for a few. */
  catchUpNow(): void {
    while (this.#step());
  }

  /** Numbers of the events of an iteration's groups, in the order of their arrival. */
  groupsOf(iteration: number, kind: GroupKind): readonly number[] {
    return this.#groups.get(`${iteration}/${kind}`) ?? [];
  }

  /** Kinds of groups that the run has. */
  get kinds(): GroupKind[] {
    const kinds = new Set([...this.#groups.keys()].map((key) => key.split("/")[1] as GroupKind));
    return [...kinds].sort();
  }

  get lastNumber(): number {
    return this.#next - 1;
  }

  #step(): boolean {
    const event = this.#events.at(this.#next);
    if (event === undefined) return false;
    this.#next += 1;
    this.#take(event);
    return true;
  }

  #take({ number, atMs, body }: WatchedEvent): void {
    const begins = body.type === "run-started" || body.type === "run-resumed";
    const works = this.#isWorking && !begins && body.type !== "run-forked";
    if (works) this.#workedMs += Math.max(0, atMs - this.#lastAtMs);
    this.#lastAtMs = atMs;
    this.#isWorking = begins || (this.#isWorking && !ENDS.includes(body.type));
    const shown = eventText(body);
    if (shown !== null) {
      const place = { iteration: this.ends.length, workedSeconds: this.#workedMs / 1000 };
      this.items.push({ number, atMs, ...shown, ...place });
    }
    this.#index(number, atMs, body);
  }

  #index(number: number, atMs: number, body: RunEventBody): void {
    if (body.type === "group-done") {
      const { iteration, kind } = parseGroupKey(body.groupKey);
      const key = `${iteration}/${kind}`;
      const known = this.#groups.get(key);
      if (known === undefined) this.#groups.set(key, [number]);
      else known.push(number);
    } else if (body.type === "iteration-planned") {
      this.planned[body.iteration] ??= number;
    } else if (body.type === "iteration-done") {
      this.ends.push({ atMs, workedMs: this.#workedMs, number });
    } else if (body.type === "validation-done") {
      const { iteration, reward, low, high, count, greedy = null, unscored = 0 } = body;
      const { randomGuess } = body;
      const interval = { reward, low, high, count };
      this.validations.push({ ...interval, iteration, greedy, unscored, randomGuess, atMs });
    } else if (body.type === "run-submitted") {
      this.attempts.push({ atMs, kind: "submitted", weights: null });
    } else if (body.type === "run-started" || body.type === "run-resumed") {
      const kind = body.type === "run-started" ? "started" : "resumed";
      this.attempts.push({ atMs, kind, weights: body.weights });
    }
  }
}

/** Events after which the run does not work. */
const ENDS: readonly RunEventBody["type"][] = [
  "run-submitted",
  "run-forked",
  "run-paused",
  "run-done",
  "run-failed",
  "run-stuck",
  "run-cancelled",
];
