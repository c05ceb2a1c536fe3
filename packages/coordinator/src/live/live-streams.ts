/**
 * The open streams of server-sent events of all pages.
 *
 * - What is common to many streams is made once: 50 open pages cost little more than one.
 * - Fleet, runs and alarms are sent when they have changed, at most every two seconds, and only while a page
 *   is open.
 */
import type { Alarm } from "@gumshoe/api";
import type { Clock } from "@gumshoe/core";
import type { EventStream } from "@gumshoe/http";

import { formatMessage } from "../http/event-stream.js";
import type { RunRecord } from "../run/run-record.js";
import type { FleetViews } from "../view/fleet-view.js";
import type { RunViews } from "../view/run-views.js";
import { RunBroadcast } from "./run-broadcast.js";

const EVERY_MS = 2000;

/** What the streams show. */
export interface LiveSources {
  readonly views: RunViews;
  readonly fleet: FleetViews;
  /** Active alarms of one run, or of all. */
  readonly alarms: (run: string | null) => readonly Alarm[];
  readonly clock: Clock;
}

/** The open streams. */
export class LiveStreams {
  readonly #sources: LiveSources;
  readonly #runs = new Map<RunRecord, RunBroadcast>();
  readonly #cluster = new Set<EventStream>();
  /** The newest state messages that were sent, by what they are about. */
  readonly #sent = new Map<string, string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(sources: LiveSources) {
    this.#sources = sources;
  }

  /** Streams a run. @param after  number of the last event that the caller has; null for new ones only */
  async openRun(record: RunRecord, stream: EventStream, after: number | null): Promise<void> {
    const { views, clock } = this.#sources;
    const history = await views.history(record);
    let broadcast = this.#runs.get(record);
    if (broadcast === undefined) {
      broadcast = new RunBroadcast({ record, history, views, clock });
      this.#runs.set(record, broadcast);
    }
    broadcast.add(stream, after);
    const { name } = record.config;
    stream.write(formatMessage("alarms", { alarms: this.#sources.alarms(name) }));
    await this.#begin(stream);
    await stream.closed;
    if (broadcast.numStreams === 0 && this.#runs.get(record) === broadcast) {
      broadcast.stop();
      this.#runs.delete(record);
    }
  }

  /** Streams the runs, the fleet and the alarms of the cluster. */
  async openCluster(stream: EventStream): Promise<void> {
    const { views, alarms } = this.#sources;
    stream.write(formatMessage("runs", { runs: views.list() }));
    stream.write(formatMessage("alarms", { alarms: alarms(null) }));
    this.#cluster.add(stream);
    await this.#begin(stream);
    await stream.closed;
    this.#cluster.delete(stream);
  }

  /** Ends all streams. */
  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const broadcast of this.#runs.values()) broadcast.stop();
    for (const stream of this.#cluster) stream.end();
  }

  async #begin(stream: EventStream): Promise<void> {
    stream.write(formatMessage("fleet", await this.#sources.fleet.get()));
    this.#timer ??= setInterval(() => void this.#tick(), EVERY_MS).unref();
  }

  async #tick(): Promise<void> {
    if (this.#runs.size === 0 && this.#cluster.size === 0) {
      if (this.#timer !== null) clearInterval(this.#timer);
      this.#timer = null;
      this.#sent.clear();
      return;
    }
    const { views, fleet, alarms } = this.#sources;
    const load = this.#changed("fleet", formatMessage("fleet", await fleet.get()));
    const toCluster =
      load +
      this.#changed("runs", formatMessage("runs", { runs: views.list() })) +
      this.#changed("alarms", formatMessage("alarms", { alarms: alarms(null) }));
    for (const stream of this.#cluster) if (toCluster !== "") stream.write(toCluster);
    for (const [record, broadcast] of this.#runs) {
      const { name } = record.config;
      const message = formatMessage("alarms", { alarms: alarms(name) });
      const text = load + this.#changed(`alarms of ${name}`, message) + this.#queuePosition(record);
      if (text !== "") broadcast.send(text);
    }
  }

  /** Returns the message of a queued run whose position has changed: by events of other runs, not its own. */
  #queuePosition(record: RunRecord): string {
    if (record.state.status !== "queued") return "";
    const message = formatMessage("run", this.#sources.views.live(record));
    return this.#changed(`run ${record.config.name}`, message);
  }

  /** Returns the message where it differs from the one before; else nothing. */
  #changed(what: string, message: string): string {
    if (this.#sent.get(what) === message) return "";
    this.#sent.set(what, message);
    return message;
  }
}
