import type { RunInfo } from "@gumshoe/client";
import type { CoordinatorStatus, WorkerStatus } from "@gumshoe/protocol";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { formatBytes, formatCount, formatDuration, formatMachineTime } from "../terminal/format.js";
import { describeFleet } from "../run/fleet-line.js";
import { shownCommand } from "../terminal/shown-command.js";
import { formatTable } from "../terminal/table.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, connectionWords, withClient } from "./connection.js";
import { withConnection, withExamples, withJson } from "./options.js";

interface StatusOptions extends ConnectionOptions {
  readonly json?: boolean;
}

/** Adds `gumshoe status`: the runs and the workers of a cluster. */
export function addStatusCommand(program: Command, context: Context): void {
  const command = program
    .command("status")
    .description("Show the runs and the workers of a running cluster.");
  withExamples(withJson(withConnection(command, context)), "gumshoe status");
  command.action(async (options: StatusOptions) => {
    await withClient(options, context, async (client) => {
      const [runs, cluster] = await Promise.all([client.list(), client.cluster()]);
      const { workers, coordinator = null } = cluster;
      const words = ["submit", "runs/first.yaml", ...connectionWords(options, context)];
      const submit = shownCommand(context.env, words);
      writeResult(context.terminal, options, {
        value: { runs, workers, coordinator },
        text: () =>
          [describeRuns(runs, submit), describeWorkers(workers), describeCoordinator(coordinator)]
            .filter((part) => part !== "")
            .join("\n\n"),
      });
    });
  });
}

function describeRuns(runs: readonly RunInfo[], submit: string): string {
  if (runs.length === 0) return `no runs yet: ${submit}`;
  const rows = runs.map((run) => [
    run.name,
    run.priority === 0 ? run.state : `${run.state}, priority ${run.priority}`,
    `${run.iterationsDone}/${run.iterationsTotal}`,
    run.weights === null ? "" : `${run.weights.version} ${run.weights.digest.slice(0, 12)}`,
    run.secondsLeft === null ? "" : formatDuration(run.secondsLeft),
    describeCost(run),
    describeProblem(run),
  ]);
  return formatTable(["run", "state", "iterations", "weights", "left", "used", "problem"], rows);
}

/** Describes a run's machine time so far, and what is expected at its end. */
function describeCost({ used, expected }: RunInfo): string {
  if (used === null) return "";
  return expected === null
    ? formatMachineTime(used)
    : `${formatMachineTime(used)} of ${formatMachineTime(expected)}`;
}

/** Describes what a run waits for, or what is wrong with it. */
function describeProblem({ error, waitingFor, warnings, ahead }: RunInfo): string {
  if (ahead.length > 0) return `behind ${ahead.join(", ")}`;
  if (error !== null) return error;
  if (waitingFor !== null) return `waits: ${waitingFor}`;
  return warnings.length === 0 ? "" : `warning: ${warnings.at(-1)}`;
}

function describeWorkers(workers: readonly WorkerStatus[]): string {
  if (workers.length === 0) return "no workers";
  const rows = workers.map((worker) => [
    worker.workerId,
    worker.role,
    worker.host,
    worker.pid,
    worker.device,
    formatBytes(worker.memoryBytes),
    worker.ended === "" ? worker.state : `${worker.state}: ${worker.ended}`,
    worker.job === "" ? "" : `${worker.job} (${formatDuration(worker.jobAgeMs / 1000)})`,
    worker.weightVersion,
    worker.jobsDone,
    formatCount(worker.tokensPerSecond),
  ]);
  const header = "worker role host pid device memory state job weights done tokens/s".split(" ");
  return `${formatTable(header, rows)}\n${describeFleet(workers)}`;
}

function describeCoordinator(coordinator: CoordinatorStatus | null): string {
  if (coordinator === null) return "";
  const { eventLoopDelayP99Ms, eventLoopDelayMaxMs, gcPauseMaxMs, memoryBytes } = coordinator;
  return (
    `coordinator: ${formatBytes(memoryBytes)}; in the last minute its event-loop delay was ` +
    `${eventLoopDelayMaxMs.toFixed(0)} ms at most (p99 ${eventLoopDelayP99Ms.toFixed(0)} ms, ` +
    `garbage collection ${gcPauseMaxMs.toFixed(0)} ms at most)`
  );
}
