import { readFileSync } from "node:fs";

import { ClusterError, type ErrorCode, errorMessage, printable } from "@gumshoe/core";
import { Command, CommanderError } from "commander";

import { addBenchCommand } from "./commands/bench.js";
import { addCancelCommand } from "./commands/cancel.js";
import { addCertsCommand } from "./commands/certs.js";
import { addChartCommand } from "./commands/chart.js";
import { addCudaCommand } from "./commands/cuda.js";
import { addCompareCommand } from "./commands/compare.js";
import { addDoctorCommand } from "./commands/doctor.js";
import { addDownloadCommand } from "./commands/download.js";
import { addEvalCommand } from "./commands/eval.js";
import { addForgetCommand } from "./commands/forget.js";
import { addLinkCommand } from "./commands/link.js";
import { addMcpCommand } from "./commands/mcp.js";
import { addMetricsCommand } from "./commands/metrics.js";
import { addModelCommand } from "./commands/model.js";
import { addPlanCommand } from "./commands/plan.js";
import { addPuzzleCommand } from "./commands/puzzle.js";
import { addRolloutsCommand } from "./commands/rollouts.js";
import { addRunCommand } from "./commands/run.js";
import { addScoreCommand } from "./commands/score.js";
import { addServeCommand } from "./commands/serve.js";
import { addStatusCommand } from "./commands/status.js";
import { addSubmitCommand } from "./commands/submit.js";
import { addSweepCommand } from "./commands/sweep.js";
import { addUpCommand } from "./commands/up.js";
import { addVerifyCommand } from "./commands/verify.js";
import { addWatchCommand } from "./commands/watch.js";
import { type Context } from "./context.js";
import { type Terminal } from "./terminal/terminal.js";

const FAILED = 1;
const WRONG_USAGE = 2;

/**
 * Runs one command.
 *
 * @param words  the arguments after `gumshoe`
 * @returns      the exit code: 0 success, 1 failure, 2 wrong usage or config
 */
export async function runCommandLine(words: readonly string[], context: Context): Promise<number> {
  let hasResult = false;
  const out = (text: string) => {
    hasResult = true;
    context.terminal.out(text);
  };
  const terminal = Object.create(context.terminal, { out: { value: out } }) as Terminal;
  try {
    await buildProgram({ ...context, terminal }).parseAsync(words, { from: "user" });
    return 0;
  } catch (thrown) {
    // A command may fail after writing its result: stdout must still hold only one document.
    const wantsDocument = words.includes("--json") && !hasResult;
    if (thrown instanceof CommanderError) {
      if (thrown.exitCode === 0) return 0;
      if (wantsDocument) writeError(terminal, usageError(thrown));
      return WRONG_USAGE;
    }
    reportError(thrown, wantsDocument, context);
    const isUsage = thrown instanceof ClusterError && thrown.code === "INVALID_ARGUMENT";
    return isUsage ? WRONG_USAGE : FAILED;
  }
}

/** Builds the commander program with all its commands. */
function buildProgram(context: Context): Command {
  const { terminal } = context;
  const program = new Command("gumshoe")
    .description("Trains a deductive-reasoning language model with reinforcement learning.")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(--help shows all options)")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
    })
    .configureHelp({ sortSubcommands: false });
  addRunCommand(program, context);
  addSweepCommand(program, context);
  addPlanCommand(program, context);
  addUpCommand(program, context);
  addSubmitCommand(program, context);
  addWatchCommand(program, context);
  addStatusCommand(program, context);
  addLinkCommand(program, context);
  addRolloutsCommand(program, context);
  addMetricsCommand(program, context);
  addCompareCommand(program, context);
  addChartCommand(program, context);
  addCancelCommand(program, context);
  addForgetCommand(program, context);
  addDownloadCommand(program, context);
  addCertsCommand(program, context);
  addModelCommand(program, context);
  addPuzzleCommand(program, context);
  addEvalCommand(program, context);
  addScoreCommand(program, context);
  addServeCommand(program, context);
  addVerifyCommand(program, context);
  addBenchCommand(program, context);
  addCudaCommand(program, context);
  addMcpCommand(program, { ...context, version: readVersion() });
  addDoctorCommand(program, context);
  return program;
}

/** Reports an error: one line on stderr and, with --json, a document on stdout. */
function reportError(thrown: unknown, asJson: boolean, { terminal }: Context): void {
  const isOurs = thrown instanceof ClusterError;
  const message = errorMessage(thrown);
  // Show the stack of an unexpected error, which is needed to fix the bug.
  const shown = isOurs || !(thrown instanceof Error) ? message : (thrown.stack ?? message);
  terminal.err(`gumshoe: ${printable(shown)}\n`);
  if (!asJson) return;
  const details = isOurs ? thrown.details : {};
  writeError(terminal, { code: isOurs ? thrown.code : "INTERNAL", message, details });
}

/** Converts a usage error, which commander has already printed on stderr. */
function usageError({ message }: CommanderError): ShownError {
  return { code: "INVALID_ARGUMENT", message: message.replace(/^error: /, ""), details: {} };
}

interface ShownError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function writeError(terminal: Terminal, error: ShownError): void {
  terminal.out(`${printable(JSON.stringify({ error }))}\n`);
}

function readVersion(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
