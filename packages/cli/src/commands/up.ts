import { once } from "node:events";
import { availableParallelism } from "node:os";

import { hubCacheFolder } from "@gumshoe/hub";
import type { Command } from "commander";

import type { Context } from "../context.js";
import { Home } from "../local/home.js";
import { LocalCluster } from "../local/local-cluster.js";
import { checkFleetFits } from "../plan/check-run-fits.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { shownCommand } from "../terminal/shown-command.js";
import { writeResult } from "../terminal/terminal.js";
import { fleetSize, type LocalFleetOptions } from "./fleet-size.js";
import {
  defaultHome,
  folderName,
  wholeNumber,
  withExamples,
  withFleet,
  withHome,
  withJson,
} from "./options.js";

const DEFAULT_PORT = 7070;

interface UpOptions extends LocalFleetOptions {
  readonly home: string;
  readonly port: number;
  readonly data: readonly string[];
  readonly sourceUrl: readonly string[];
  readonly allowOvercommit?: boolean;
  readonly json?: boolean;
  readonly logLevel: string;
}

/** Adds `gumshoe up`: runs a local cluster until it is stopped. */
export function addUpCommand(program: Command, context: Context): void {
  const command = program
    .command("up")
    .description(
      "Start a cluster on this machine that runs until Ctrl-C; then submit runs to it. " +
        "It listens on loopback alone, without TLS: GUMSHOE_TLS is passed over.",
    )
    .option("--port <n>", "port of the coordinator", wholeNumber(1, 65_535), DEFAULT_PORT)
    .option(
      "--data <folder>",
      "allow configs to name models, datasets and modules below this folder too (repeatable); " +
        "the working folder, those of GUMSHOE_DATA and the cache of the Hugging Face hub are allowed",
      (folder: string, before: readonly string[]) => [...before, folderName(folder)],
      [] as readonly string[],
    )
    .option(
      "--source-url <url>",
      "allow configs to name servers of tasks below this URL (repeatable); none but those of " +
        "GUMSHOE_SOURCE_URLS are allowed otherwise",
      (url: string, before: readonly string[]) => [...before, url],
      [] as readonly string[],
    );
  withJson(withFleet(withHome(command, context), context));
  withExamples(command, "gumshoe up --inference 2", "gumshoe submit runs/first.yaml --watch");
  command.action((options: UpOptions) => runCluster(options, context));
}

async function runCluster(options: UpOptions, context: Context): Promise<void> {
  const { terminal, clock, env, workingFolder } = context;
  const home = new Home(options.home);
  if (options.allowOvercommit !== true) checkFleetFits(options);
  const stop = listenForStop(() => terminal.err("\nstopping; once more to stop at once\n"));
  const cluster = new LocalCluster({
    home,
    fleet: fleetSize(options, availableParallelism()),
    port: options.port,
    // What is fetched for a run of this cluster lies there.
    data: [...options.data, hubCacheFolder(env)],
    sourceUrls: options.sourceUrl,
    workingFolder,
    logLevel: options.logLevel,
    env,
    clock,
    onRestart: (name, reason) => terminal.err(`${name} died (${reason}); starting it again\n`),
  });
  home.create();
  home.lock();
  try {
    await cluster.start(stop.signal);
    const { address } = cluster;
    const page = await cluster.pageLink();
    writeResult(terminal, options, {
      value: { address, home: home.folder, pid: process.pid, page },
      text: () => `${startedText(address, options.home, env)}${pageText(page)}`,
    });
    const end = AbortSignal.any([stop.signal, cluster.failure]);
    if (!end.aborted) await once(end, "abort");
    if (cluster.failure.aborted) throw cluster.failure.reason;
  } finally {
    await cluster.stop();
    home.unlock();
    stop.dispose();
  }
}

function pageText(page: string | null): string {
  return page === null ? "" : `\nthe page, by a link that works once: ${page}`;
}

/** Says where a cluster is, and how a run is submitted to this one and no other. */
export function startedText(address: string, home: string, env: Context["env"]): string {
  const isDefault = home === defaultHome(env);
  const submit = ["submit", "runs/first.yaml", ...(isDefault ? [] : ["--home", home]), "--watch"];
  return (
    `the cluster is ready: ${address}, home ${new Home(home).folder}\n` +
    `submit a run from another terminal: ${shownCommand(env, submit)}`
  );
}
