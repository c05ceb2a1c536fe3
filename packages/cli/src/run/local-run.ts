import { GumshoeClient } from "@gumshoe/client";
import { retry, type RetryPolicy } from "@gumshoe/core";
import { namedPaths, namedServers, type RunConfig, type RunResult } from "@gumshoe/config";

import type { Context } from "../context.js";
import { InterruptedError, RunNotDoneError } from "../errors.js";
import type { Home } from "../local/home.js";
import { type FleetSize, LocalCluster } from "../local/local-cluster.js";
import { locatedConfig } from "../hub/settle-config.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { followRun } from "./follow-run.js";
import { RunView } from "./run-view.js";

/**
 * Retries of the submission: a coordinator that exited is restarted, and responds within seconds.
 */
const SUBMISSION: RetryPolicy = { attempts: 20, firstDelayMs: 100, maxDelayMs: 2000 };

/** Options of a cluster on this machine. */
export interface ClusterOptions {
  readonly home: Home;
  readonly fleet: FleetSize;
  readonly logLevel: string;
}

/** Options of a local run beside its config. */
export interface LocalRunOptions extends ClusterOptions {
  /** Whether the files of an earlier run of this name are removed. */
  readonly fresh: boolean;
  /** Whether the coordinator takes the run although memory does not suffice by the plan. */
  readonly allowOvercommit: boolean;
  /** The command that continues the run after an interruption. */
  readonly again: string;
}

/** Starts a cluster on this machine, executes or resumes one run, and stops all processes. */
export async function runLocally(
  config: RunConfig,
  options: LocalRunOptions,
  context: Context,
): Promise<RunResult> {
  const { home, fleet, allowOvercommit, again } = options;
  context.terminal.err(`${describeStart(config, fleet)}\n`);
  const work = (cluster: LocalCluster, stop: AbortSignal) => {
    return submitAndFollow(config, { cluster, home, context, stop, allowOvercommit, again });
  };
  const prepare = () => {
    if (options.fresh) home.removeRun(config.name);
  };
  return withLocalCluster([config], { ...options, prepare }, context, work);
}

/**
 * Starts a cluster on this machine for some runs, does the work, and stops all processes.
 *
 * @param options.prepare  called with the home locked, before anything starts
 */
export async function withLocalCluster<T>(
  configs: readonly RunConfig[],
  options: ClusterOptions & { readonly prepare?: () => void },
  context: Context,
  work: (cluster: LocalCluster, stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const { terminal, clock, env, workingFolder } = context;
  const { home, fleet, logLevel, prepare } = options;
  const stop = listenForStop(() => terminal.err("\nstopping; once more to stop at once\n"));
  const cluster = new LocalCluster({
    home,
    fleet,
    port: null,
    logLevel,
    data: configs.flatMap((config) =>
      namedPaths(locatedConfig(config, env)).map(({ path }) => path),
    ),
    sourceUrls: configs.flatMap((config) => namedServers(config).map(({ url }) => url)),
    workingFolder,
    env,
    clock,
    onRestart: (name, reason) => terminal.err(`${name} died (${reason}); starting it again\n`),
  });
  home.lock();
  try {
    prepare?.();
    await cluster.start(stop.signal);
    const page = await cluster.pageLink();
    if (page !== null) terminal.err(`the page, by a link that works once: ${page}\n`);
    return await work(cluster, stop.signal);
  } finally {
    await cluster.stop();
    home.unlock();
    stop.dispose();
  }
}

/** Describes the run that begins. */
function describeStart(config: RunConfig, fleet: FleetSize): string {
  const work =
    config.type === "sft"
      ? `${config.updatesPerIteration} updates on ${config.examples.perUpdate} ${answersOf(config)} each`
      : `${config.tasks.perIteration} cases with ${config.rollouts.perTask} answers each`;
  const workers = `${fleet.inference} inference, ${fleet.trainers} trainer, ${fleet.reducers} reducer`;
  return (
    `run ${config.name}: ${config.iterations} iterations of ${work}; ` +
    `workers: ${workers}, ${devicesOf(fleet)}`
  );
}

function devicesOf({ devices, threads }: FleetSize): string {
  const isCpu = devices.every((device) => device === "cpu");
  return isCpu ? `${threads} threads each` : `in turn on ${devices.join(", ")}`;
}

/** Where a run is submitted, and how. */
export interface Submission {
  readonly cluster: LocalCluster;
  readonly home: Home;
  readonly context: Context;
  readonly stop: AbortSignal;
  readonly allowOvercommit: boolean;
  readonly again: string;
}

/**
 * Submits a run to a cluster on this machine, or resumes it, and shows it until it has ended.
 *
 * @throws RunNotDoneError when it failed, or was stopped
 */
export async function submitAndFollow(
  config: RunConfig,
  submission: Submission,
): Promise<RunResult> {
  const { cluster, home, context, stop, allowOvercommit, again } = submission;
  const { terminal, clock } = context;
  const client = new GumshoeClient({ address: cluster.address, token: home.token() });
  const view = new RunView(terminal, config, clock.now());
  let isSubmitted = false;
  try {
    const signal = AbortSignal.any([stop, cluster.failure]);
    const submit = async () => {
      await cancelOthers(client, config.name, (line) => view.print(line));
      return client.submit(config, { allowOvercommit });
    };
    const run = await retry(submit, { policy: SUBMISSION, clock, signal });
    isSubmitted = true;
    if (run.state === "done" && run.result !== null) {
      view.print(`run ${config.name} is done already; --fresh begins it anew`);
      return run.result;
    }
    return await followRun(client, config.name, { view, clock, signal });
  } catch (thrown) {
    if (!(thrown instanceof InterruptedError)) throw thrown;
    if (!isSubmitted) {
      throw new RunNotDoneError(config.name, `was stopped before it began; begin it by: ${again}`);
    }
    // Cancel the run, so that the next cluster in this home does not resume it unless it is
    // submitted.
    const run = await client.cancel(config.name);
    const done = `${run.iterationsDone} of ${run.iterationsTotal} iterations`;
    throw new RunNotDoneError(config.name, `was stopped after ${done}; continue it by: ${again}`);
  } finally {
    view.close();
    client.close();
  }
}

/** Cancels runs that an earlier cluster in this home left unfinished. */
async function cancelOthers(
  client: GumshoeClient,
  name: string,
  print: (line: string) => void,
): Promise<void> {
  for (const run of await client.list()) {
    if (run.name === name || (run.state !== "running" && run.state !== "queued")) continue;
    await client.cancel(run.name);
    print(`run ${run.name} was left in the middle; submit it again to continue it`);
  }
}

function answersOf({ examples }: Extract<RunConfig, { type: "sft" }>): string {
  const words = { gold: "right answers", trace: "deductions", careless: "careless answers" };
  return words[examples.answers.type];
}
