/**
 * Measures the cost of watchers: the same small run on a real cluster, alternately without watchers
 * and with many at once, each with its own connection, all in another process on the same machine.
 *
 * - Both runs of a turn compute the same bits: their iterations are compared one by one.
 * - The watchers share cores with the run: their CPU time contributes to the slow-down.
 */
import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { GumshoeClient } from "@gumshoe/client";
import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import type { WatchedEvent } from "@gumshoe/protocol";

import { type BenchCluster, MODEL } from "../cluster.js";
import { BenchRunFailedError } from "../errors.js";
import { type Figure, median } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { ProcessorRecord } from "./processor-record.js";
import { compareTurn, type Turn, type TurnComparison } from "./watched-turn.js";

/** Watchers join during the first one or two iterations; the others are compared. */
const ITERATIONS = 6;
const MIN_TURNS = 3;
const ASK_EVERY_MS = 200;
const MICROSECONDS_PER_SECOND = 1e6;

/** The request to the watchers' process. */
export interface WatchersRequest {
  readonly run: string;
  /** host:port of the coordinator. */
  readonly address: string;
  readonly token: string;
  readonly watchers: number;
}

/** The reports of the watchers' process. */
export type WatchersReport =
  | { readonly type: "joined"; readonly atMs: number }
  | {
      readonly type: "ended";
      /** Times of the events that one watcher received, including transient ones. */
      readonly eventsAtMs: readonly number[];
      /** CPU time of the process per event and watcher, once all had joined. */
      readonly secondsPerEvent: number;
    };

/** Alternates runs without watchers and runs with all watchers. */
export async function benchWatchers(settings: BenchSettings): Promise<Figure[]> {
  const cluster = await settings.startCluster({ inference: 1, trainers: 1, reducers: 1 });
  const peer = fork(fileURLToPath(new URL("watchers-peer.js", import.meta.url)));
  const client = new GumshoeClient({ address: cluster.address, token: cluster.token });
  try {
    return describe(settings, await runTurns(new RunWatch(client, cluster, peer), settings));
  } finally {
    client.close();
    peer.kill();
    await cluster.stop();
  }
}

async function runTurns(watch: RunWatch, settings: BenchSettings): Promise<TurnComparison[]> {
  const turns: TurnComparison[] = [];
  const stopAtMs = performance.now() + settings.seconds * 1000;
  await watch.run("warm-up", 0);
  while (turns.length < MIN_TURNS || performance.now() < stopAtMs) {
    const number = turns.length + 1;
    settings.onProgress(`turn ${number}`, turns.length / Math.max(MIN_TURNS, number));
    // The second run may profit from a warm cluster, so the order alternates.
    const watchedFirst = turns.length % 2 === 1;
    const first = await watch.run(`turn-${number}-a`, watchedFirst ? settings.watchers : 0);
    const second = await watch.run(`turn-${number}-b`, watchedFirst ? 0 : settings.watchers);
    turns.push(watchedFirst ? compareTurn(second, first) : compareTurn(first, second));
  }
  return turns;
}

/** Executes runs and records the data that the comparison needs. */
class RunWatch {
  constructor(
    private readonly client: GumshoeClient,
    private readonly cluster: BenchCluster,
    private readonly peer: ChildProcess,
  ) {}

  /** Executes the small run under a new name with a number of watchers. */
  async run(name: string, watchers: number): Promise<Turn> {
    const { address, token, coordinatorPid } = this.cluster;
    const record = new ProcessorRecord(coordinatorPid);
    try {
      await this.client.submit(configOf(name));
      const reports = watchers === 0 ? null : readReports(this.peer);
      const request = { run: name, address, token, watchers };
      if (reports !== null) this.peer.send(request satisfies WatchersRequest);
      await this.#untilDone(name);
      const { joinedAtMs = 0, eventsAtMs = [], secondsPerEvent = 0 } = (await reports) ?? {};
      record.take();
      const events = await this.#eventsOf(name);
      const { at } = record;
      return {
        events,
        watchers,
        joinedAtMs,
        eventsAtMs,
        secondsPerEvent,
        processorSeconds: at,
      };
    } finally {
      record.stop();
    }
  }

  async #untilDone(name: string): Promise<void> {
    for (;;) {
      this.cluster.failure.throwIfAborted();
      const { state, error } = await this.client.get(name);
      if (state === "done") return;
      if (state === "failed" || state === "stuck") throw new BenchRunFailedError(name, error ?? "");
      await sleep(ASK_EVERY_MS);
    }
  }

  async #eventsOf(name: string): Promise<WatchedEvent[]> {
    const events: WatchedEvent[] = [];
    for await (const event of this.client.watch(name)) events.push(event);
    return events;
  }
}

/** The sizes of runs/first.yaml. */
function configOf(name: string): RunConfig {
  return checkRunConfig({
    name,
    type: "grpo",
    seed: 1,
    model: MODEL,
    iterations: ITERATIONS,
    tasks: { source: { type: "generate", tier: "mini", style: "clear", seed: 2001 } },
    checkpoint: { every: ITERATIONS },
  });
}

type Watched = Pick<Turn, "joinedAtMs" | "eventsAtMs" | "secondsPerEvent">;

/** Waits for the watchers' reports about one run. */
function readReports(peer: ChildProcess): Promise<Watched> {
  const reports = new Promise<Watched>((resolve, reject) => {
    let joinedAtMs = 0;
    const take = (report: WatchersReport) => {
      if (report.type === "joined") joinedAtMs = report.atMs;
      else finish(() => resolve({ joinedAtMs, ...report }));
    };
    const onExit = () => finish(() => reject(new Error("the process of the watchers ended")));
    const finish = (settle: () => void) => {
      peer.off("message", take);
      peer.off("exit", onExit);
      settle();
    };
    peer.on("message", take);
    peer.once("exit", onExit);
  });
  reports.catch(() => undefined);
  return reports;
}

function describe({ watchers }: BenchSettings, turns: readonly TurnComparison[]): Figure[] {
  const shape = `${watchers} watchers, ${turns.length} turns`;
  const of = (value: (turn: TurnComparison) => number | null) =>
    median(turns.map(value).filter((one) => one !== null));
  const figure = (name: string, value: number, unit: string) =>
    Number.isNaN(value) ? [] : [{ name, shape, median: value, unit }];
  return [
    ...figure(
      "iteration, nobody watching",
      of(({ seconds }) => seconds),
      "s",
    ),
    ...figure(
      "iteration, watched",
      of(({ watchedSeconds }) => watchedSeconds),
      "s",
    ),
    ...figure(
      "slower by watchers",
      of(({ slowdown }) => 100 * slowdown),
      "%",
    ),
    ...figure(
      "events to each watcher",
      of(({ events }) => events),
      "an iteration",
    ),
    ...figure(
      "coordinator's processor time for an event",
      of(({ coordinatorSeconds: time }) => time && time * MICROSECONDS_PER_SECOND),
      "us",
    ),
    ...figure(
      "watchers' processor time for an event",
      of(({ watcherSeconds }) => watcherSeconds * MICROSECONDS_PER_SECOND),
      "us",
    ),
  ];
}
