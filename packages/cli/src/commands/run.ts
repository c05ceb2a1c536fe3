import { availableParallelism } from "node:os";

import type { Command } from "commander";

import type { Context } from "../context.js";
import { RunNotDoneError } from "../errors.js";
import { Home } from "../local/home.js";
import { knownConfig, locatedConfig, settleConfig } from "../hub/settle-config.js";
import { checkRunFits } from "../plan/check-run-fits.js";
import { closingLines } from "../run/closing-lines.js";
import { STUCK } from "../run/follow-run.js";
import { checkInputs, loadRunConfig } from "../run/load-config.js";
import { heldOutCases } from "../run/held-out-cases.js";
import { runLocally } from "../run/local-run.js";
import { shortPath } from "../terminal/short-path.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { fleetSize, type LocalFleetOptions } from "./fleet-size.js";
import { defaultHome, withExamples, withFleet, withHome, withJson } from "./options.js";

/** Codes of ends after which a run may be continued: a part was unavailable for too long, or workers kept dying. */
const MAY_CONTINUE: readonly string[] = ["RESOURCE_EXHAUSTED", "UNAVAILABLE", STUCK];

interface RunOptions extends LocalFleetOptions {
  readonly home: string;
  readonly name?: string;
  readonly fresh?: boolean;
  readonly allowOvercommit?: boolean;
  readonly json?: boolean;
  readonly logLevel: string;
}

/** Adds `gumshoe run`: executes one run on a local cluster of its own. */
export function addRunCommand(program: Command, context: Context): void {
  const command = program
    .command("run")
    .description("Train: start a cluster on this machine, do one run, stop everything.")
    .argument("<config>", "run config, YAML or JSON")
    .option("--name <name>", "name of the run; default: the config's, or its file name")
    .option("--fresh", "throw away what an earlier run of this name left, and begin anew");
  withJson(withFleet(withHome(command, context), context));
  withExamples(
    command,
    "gumshoe run runs/first.yaml",
    "gumshoe run runs/exact.yaml --inference 3 --trainers 2 --reducers 2 --json",
    "gumshoe run runs/first.yaml --device cuda",
  );
  command.action(async (file: string, options: RunOptions) => {
    const given = loadRunConfig(file, options.name ?? null);
    const home = new Home(options.home);
    const shown = shortPath(file, context.workingFolder);
    const again = shownCommand(context.env, ["run", shown, ...clusterWords(options, context)]);
    const known = options.fresh === true ? null : knownConfig(home.runFolder(given.name));
    const config = await settleConfig(given, { known, isHere: true, again }, context);
    const located = locatedConfig(config, context.env);
    await checkInputs(located);
    const allowOvercommit = options.allowOvercommit === true;
    if (!allowOvercommit) await checkRunFits(located, options, context.terminal);
    home.create();
    const fleet = fleetSize(options, availableParallelism());
    const fresh = options.fresh === true;
    const { logLevel } = options;
    const local = { home, fleet, fresh, logLevel, allowOvercommit, again };
    const result = await runLocally(config, local, context).catch((thrown: unknown) => {
      throw withWayOn(thrown, again);
    });
    const { workingFolder, env } = context;
    const cluster = clusterWords(options, context);
    const typed = { kind: "run", configFile: file, cluster, workingFolder, env } as const;
    const { terminal } = context;
    const folder = home.runFolder(config.name);
    const cases = options.json === true ? "" : await heldOutCases(folder, result, terminal.columns);
    writeResult(terminal, options, {
      value: result,
      text: () => cases + closingLines(result, config, typed),
    });
  });
}

/** Adds the command that resumes the run to an error about an unavailable part. */
function withWayOn(thrown: unknown, command: string): unknown {
  if (!(thrown instanceof RunNotDoneError) || !MAY_CONTINUE.includes(thrown.endCode ?? "")) {
    return thrown;
  }
  const wayOn = `${thrown.problem}; the run continues by: ${command}`;
  return new RunNotDoneError(thrown.run, wayOn, thrown.endCode);
}

/** Returns the options that identify run and home, as given. */
function clusterWords({ home, name }: RunOptions, { env }: Context): string[] {
  const isDefault = home === defaultHome(env);
  return [...(name === undefined ? [] : ["--name", name]), ...(isDefault ? [] : ["--home", home])];
}
