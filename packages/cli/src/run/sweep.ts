import type { RunConfig, SweepRun } from "@gumshoe/config";
import { errorMessage } from "@gumshoe/core";
import type { Workers } from "@gumshoe/memory";

import type { Context } from "../context.js";
import { RunNotDoneError } from "../errors.js";
import { knownConfig, locatedConfig, settleConfig } from "../hub/settle-config.js";
import type { Home } from "../local/home.js";
import { checkRunFits } from "../plan/check-run-fits.js";
import { checkInputs, loadRunConfig } from "./load-config.js";
import { type ClusterOptions, submitAndFollow, withLocalCluster } from "./local-run.js";

/** A run of a sweep with its config. */
export interface LoadedRun {
  readonly run: SweepRun;
  readonly config: RunConfig;
}

/**
 * Makes the configs of a sweep's runs, and checks what they read and whether they fit on this
 * machine, so that no error waits behind hours of training.
 *
 * @param options.workers  null leaves out the check of memory
 * @throws ConfigFileError, InvalidArgumentError, ModuleError, RunTooLargeError
 */
export async function loadSweepConfigs(
  configFile: string,
  runs: readonly SweepRun[],
  options: { home: Home; again: string; context: Context; workers: Workers | null },
): Promise<LoadedRun[]> {
  const { home, again, context, workers } = options;
  const given = runs.map((run) => ({ run, config: loadRunConfig(configFile, run.name, run.set) }));
  const loaded: LoadedRun[] = [];
  const checked = new Set<string>();
  for (const { run, config } of given) {
    const known = knownConfig(home.runFolder(config.name));
    const settled = await settleConfig(config, { known, isHere: true, again }, context);
    const located = locatedConfig(settled, context.env);
    const inputs = JSON.stringify({ ...located, name: "", seed: 0, optimizer: null });
    if (!checked.has(inputs)) {
      await checkInputs(located);
      if (workers !== null) await checkRunFits(located, workers, context.terminal);
    }
    checked.add(inputs);
    loaded.push({ run, config: settled });
  }
  return loaded;
}

/** Options of a sweep's execution. */
export interface SweepExecution extends ClusterOptions {
  readonly allowOvercommit: boolean;
  /** The command that continues it. */
  readonly again: string;
  readonly context: Context;
}

/**
 * Executes runs one after the other; one that fails is reported, and the next begins.
 *
 * @returns  how many failed
 * @throws   RunNotDoneError when it is stopped
 */
export async function executeSweep(
  runs: readonly LoadedRun[],
  options: SweepExecution,
): Promise<number> {
  const { home, again, allowOvercommit, context } = options;
  const configs = runs.map(({ config }) => config);
  return withLocalCluster(configs, options, context, async (cluster, stop) => {
    let numFailed = 0;
    for (const [i, { run, config }] of runs.entries()) {
      context.terminal.err(`run ${i + 1} of ${runs.length}, ${run.name}: ${describe(run)}\n`);
      const submission = { cluster, home, context, stop, allowOvercommit, again };
      try {
        await submitAndFollow(config, submission);
      } catch (thrown) {
        const isOver = stop.aborted || cluster.failure.aborted;
        if (isOver || !(thrown instanceof RunNotDoneError)) throw thrown;
        numFailed++;
        context.terminal.err(`${errorMessage(thrown)}\n`);
      }
    }
    return numFailed;
  });
}

function describe({ values }: SweepRun): string {
  return Object.entries(values)
    .map(([field, value]) => `${field} ${JSON.stringify(value)}`)
    .join(", ");
}
