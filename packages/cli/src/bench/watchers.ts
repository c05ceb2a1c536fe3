/**
 * What watchers cost a run: the same small run on a real cluster, in turns with nobody watching and with many
 * watchers at once, each on a connection of its own, all in another process of the same machine.
 *
 * - Both runs of a turn compute the same, bit for bit: their iterations are compared one by one.
 * - The watchers read on the cores that the run computes on: what they take counts as a slow-down, too.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { GumshoeClient } from "@gumshoe/client";
import { systemClock } from "@gumshoe/core";
import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { type WatchedEvent } from "@gumshoe/protocol";

import { RunNotDoneError } from "../errors.js";
import { Home } from "../local/home.js";
import { LocalCluster } from "../local/local-cluster.js";
import { type Figure, median } from "./figure.js";
import { ProcessorRecord } from "./processor-record.js";
import { type BenchSettings } from "./settings.js";
import { compareTurn, type Turn, type TurnComparison } from "./watched-turn.js";

const MODEL = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
/** Watchers join in the first one or two: what is left is compared. */
const ITERATIONS = 6;
const MIN_TURNS = 3;
const ASK_EVERY_MS = 200;
const MICROSECONDS_PER_SECOND = 1e6;

/** What the watchers are report. */
export interface WatchersRequest {
  readonly run: string;
  /** host:port of the coordinator. */
  readonly address: string;
  readonly token: string;
  readonly watchers: number;
}

/** What the watchers tell. */
export type WatchersReport =
  | { readonly type: "joined"; readonly atMs: number }
  | {
      readonly type: "ended";
      /** When what one watcher saw had happened, transient events too. */
      readonly eventsAtMs: readonly number[];
      /** Processor time of their process for each event to each of them, once all had joined. */
      readonly secondsPerEvent: number;
    };

/** Runs turns of a run with nobody watching, and the same run with everybody watching. */
export async function benchWatchers(settings: BenchSettings): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "gumshoe-bench-"));
  const home = new Home(folder);
  home.create();
  const cluster = new LocalCluster({
    home,
    port: null,
    logLevel: "info",
    env: process.env,
    clock: systemClock,
    fleet: { inference: 1, trainers: 1, reducers: 1, threads: 1 },
    data: [],
    workingFolder: process.cwd(),
    onRestart: (name, reason) => settings.onProgress(`${name} died (${reason})`, 0),
  });
  const peer = fork(fileURLToPath(new URL("watchers-peer.js", import.meta.url)));
  try {
    await cluster.start(new AbortController().signal);
    const client = new GumshoeClient({ address: cluster.address, token: home.token() });
    try {
      return describe(
        settings,
        await runTurns(new RunWatch(client, { cluster, home, peer }), settings),
      );
    } finally {
      client.close();
    }
  } finally {
    peer.kill();
    await cluster.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function runTurns(watch: RunWatch, settings: BenchSettings): Promise<TurnComparison[]> {
  const turns: TurnComparison[] = [];
  const stopAtMs = performance.now() + settings.seconds * 1000;
  await watch.run("warm-up", 0);
  while (turns.length < MIN_TURNS || performance.now() < stopAtMs) {
    const number = turns.length + 1;
    settings.onProgress(`turn ${number}`, turns.length / Math.max(MIN_TURNS, number));
    // The second run may find a warmer cluster: the order alternates.
    const watchedFirst = turns.length % 2 === 1;
    const first = await watch.run(`turn-${number}-a`, watchedFirst ? settings.watchers : 0);
    const second = await watch.run(`turn-${number}-b`, watchedFirst ? 0 : settings.watchers);
    turns.push(watchedFirst ? compareTurn(second, first) : compareTurn(first, second));
  }
  return turns;
}

/** Runs runs, and keeps what there is to know of their speed. */
class RunWatch {
  constructor(
    private readonly client: GumshoeClient,
    private readonly of: { cluster: LocalCluster; home: Home; peer: ChildProcess },
  ) {}

  /** Runs the small run to its end, under a name of its own, with so many watchers. */
  async run(name: string, watchers: number): Promise<Turn> {
    const { cluster, home, peer } = this.of;
    const { processes } = home.readCluster() ?? { processes: [] };
    const coordinator = processes.find((process) => process.name === "coordinator")?.pid ?? null;
    const record = new ProcessorRecord(coordinator);
    try {
      await this.client.submit(configOf(name));
      const reports = watchers === 0 ? null : readReports(peer);
      const request = { run: name, address: cluster.address, token: home.token(), watchers };
      if (reports !== null) peer.send(request satisfies WatchersRequest);
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
      this.of.cluster.failure.throwIfAborted();
      const { state, error } = await this.client.get(name);
      if (state === "done") return;
      if (state === "failed" || state === "stuck")
        throw new RunNotDoneError(name, `failed: ${error}`);
      await sleep(ASK_EVERY_MS);
    }
  }

  async #eventsOf(name: string): Promise<WatchedEvent[]> {
    const events: WatchedEvent[] = [];
    for await (const event of this.client.watch(name)) events.push(event);
    return events;
  }
}

/** The sizes that runs/first.yaml has. */
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

/** Waits for what the watchers have to tell of one run. */
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
