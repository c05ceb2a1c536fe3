import { readFileSync } from "node:fs";

import { ClusterError, type ErrorCode, errorMessage, printable } from "@gumshoe/core";
import { Command, CommanderError } from "commander";

import type { Context } from "./context.js";
import type { Terminal } from "./terminal/terminal.js";

type AddCommand = (program: Command, context: Context) => void;

/**
 * The commands, in the order of the help. Each module is imported only when it is needed: all of them take more than a
 * second.
 */
const COMMANDS: Readonly<Record<string, () => Promise<AddCommand>>> = {
  run: async () => (await import("./commands/run.js")).addRunCommand,
  sweep: async () => (await import("./commands/sweep.js")).addSweepCommand,
  plan: async () => (await import("./commands/plan.js")).addPlanCommand,
  up: async () => (await import("./commands/up.js")).addUpCommand,
  submit: async () => (await import("./commands/submit.js")).addSubmitCommand,
  fork: async () => (await import("./commands/fork.js")).addForkCommand,
  watch: async () => (await import("./commands/watch.js")).addWatchCommand,
  status: async () => (await import("./commands/status.js")).addStatusCommand,
  link: async () => (await import("./commands/link.js")).addLinkCommand,
  rollouts: async () => (await import("./commands/rollouts.js")).addRolloutsCommand,
  metrics: async () => (await import("./commands/metrics.js")).addMetricsCommand,
  compare: async () => (await import("./commands/compare.js")).addCompareCommand,
  chart: async () => (await import("./commands/chart.js")).addChartCommand,
  cancel: async () => (await import("./commands/cancel.js")).addCancelCommand,
  prioritize: async () => (await import("./commands/prioritize.js")).addPrioritizeCommand,
  forget: async () => (await import("./commands/forget.js")).addForgetCommand,
  download: async () => (await import("./commands/download.js")).addDownloadCommand,
  certs: async () => (await import("./commands/certs.js")).addCertsCommand,
  model: async () => (await import("./commands/model.js")).addModelCommand,
  data: async () => (await import("./commands/data.js")).addDataCommand,
  puzzle: async () => (await import("./commands/puzzle.js")).addPuzzleCommand,
  eval: async () => (await import("./commands/eval.js")).addEvalCommand,
  score: async () => (await import("./commands/score.js")).addScoreCommand,
  serve: async () => (await import("./commands/serve.js")).addServeCommand,
  verify: async () => (await import("./commands/verify.js")).addVerifyCommand,
  bench: async () => (await import("./commands/bench.js")).addBenchCommand,
  cuda: async () => (await import("./commands/cuda.js")).addCudaCommand,
  mcp: async () => {
    const { addMcpCommand } = await import("./commands/mcp.js");
    return (program, context) => addMcpCommand(program, { ...context, version: readVersion() });
  },
  doctor: async () => (await import("./commands/doctor.js")).addDoctorCommand,
};

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
    const program = buildProgram(terminal);
    for (const add of await neededCommands(words)) add(program, { ...context, terminal });
    await program.parseAsync(words, { from: "user" });
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

/** Imports the command that the first word names; all commands for anything else, such as `--help` or a misspelt one. */
function neededCommands([first = ""]: readonly string[]): Promise<AddCommand[]> {
  if (first === "--version" || first === "-V") return Promise.resolve([]);
  const load = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  const loads = load === undefined ? Object.values(COMMANDS) : [load];
  return Promise.all(loads.map((loadOne) => loadOne()));
}

/** Builds the commander program, without its commands. */
function buildProgram(terminal: Terminal): Command {
  return new Command("gumshoe")
    .description("Trains a deductive-reasoning language model with reinforcement learning.")
    .version(readVersion())
    .exitOverride()
    .showHelpAfterError("(--help shows all options)")
    .configureOutput({
      writeOut: (text) => terminal.out(text),
      writeErr: (text) => terminal.err(text),
    })
    .configureHelp({ sortSubcommands: false });
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
