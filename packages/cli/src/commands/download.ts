import type { DownloadedCheckpoint, DownloadProgress } from "@gumshoe/client";
import { errorMessage } from "@gumshoe/core";
import { type Command, InvalidArgumentError } from "commander";

import type { Context } from "../context.js";
import { formatBytes, formatReward } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { listenForStop } from "../terminal/stop-signal.js";
import { writeResult } from "../terminal/terminal.js";
import { type ConnectionOptions, withClient } from "./connection.js";
import { folderName, withConnection, withExamples, withJson } from "./options.js";

const BAR_WIDTH = 30;

interface DownloadOptions extends ConnectionOptions {
  readonly checkpoint: "best" | "latest" | number;
  readonly out: string;
  readonly optimizer?: boolean;
  readonly json?: boolean;
}

/** Adds `gumshoe download`: downloads a checkpoint of a run. */
export function addDownloadCommand(program: Command, context: Context): void {
  const command = program
    .command("download")
    .description("Fetch a checkpoint of a run: a model folder that Transformers and vLLM load.")
    .argument("<run>", "name of the run")
    .requiredOption(
      "--out <folder>",
      "folder to make; nothing is left there unless all of it came",
      folderName,
    )
    .option(
      "--checkpoint <which>",
      "best by validation, latest, or an iteration; 0 is the model that the run started from",
      readWhich,
      "best",
    )
    .option("--optimizer", "the optimizer's state too, to train on from there");
  withExamples(
    withJson(withConnection(command, context)),
    "gumshoe download first --out models/first",
    "gumshoe download first --checkpoint latest --out models/latest",
  );
  command.action((run: string, options: DownloadOptions) => download(run, options, context));
}

async function download(run: string, options: DownloadOptions, context: Context): Promise<void> {
  const { terminal } = context;
  const stop = listenForStop(() => undefined);
  const line = new StatusLine(terminal);
  try {
    await withClient(options, context, async (client) => {
      const done = await client.download(run, {
        out: options.out,
        checkpoint: options.checkpoint,
        withOptimizer: options.optimizer === true,
        signal: stop.signal,
        onProgress: (progress) => line.set(describeProgress(progress)),
        onReconnect: (error) => line.print(`${errorMessage(error)}; trying again`),
      });
      line.clear();
      writeResult(terminal, options, { value: done, text: () => describe(run, done) });
    });
  } finally {
    line.clear();
    stop.dispose();
  }
}

function readWhich(text: string): "best" | "latest" | number {
  if (text === "best" || text === "latest") return text;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be best, latest or the number of an iteration.");
}

function describeProgress({ receivedBytes, totalBytes, checkpoint }: DownloadProgress): string {
  const share = totalBytes === 0 ? 1 : receivedBytes / totalBytes;
  const bytes = `${formatBytes(receivedBytes)} of ${formatBytes(totalBytes)}`;
  return `checkpoint ${checkpoint.iteration} ${drawBar(share, BAR_WIDTH)} ${bytes}`;
}

function describe(run: string, checkpoint: DownloadedCheckpoint): string {
  const { iteration, isBest, isLatest, reward, insteadOf, folder, bytes, files } = checkpoint;
  const marks = [
    ...(isBest ? ["the best"] : []),
    ...(isLatest ? ["the latest"] : []),
    ...(reward === null ? [] : [`validation reward ${formatReward(reward)}`]),
  ];
  const notes = marks.length === 0 ? "" : ` (${marks.join(", ")})`;
  const what =
    iteration === 0
      ? `the model that run ${run} started from${notes}${isBest ? ": all checkpoints validated worse; it" : ""}`
      : `checkpoint ${iteration} of run ${run}${notes}`;
  const fallback =
    insteadOf === null
      ? ""
      : `\nit is the best of those that are on disk: ${titleOf(insteadOf)}, which validated best, is gone`;
  return `${what} is in ${folder}: ${files.length} files, ${formatBytes(bytes)}, hashes checked${fallback}`;
}

function titleOf(iteration: number): string {
  return iteration === 0 ? "the model that the run started from" : `checkpoint ${iteration}`;
}
