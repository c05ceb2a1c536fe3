import { type HubModel, hubModelText } from "@gumshoe/config";
import { ClusterError, errorMessage, InvalidArgumentError } from "@gumshoe/core";
import {
  ASSET_NAMES,
  ModelFolderError,
  openModelFolder,
  openTokenizer,
  parseModelConfig,
  readAssets,
} from "@gumshoe/engine";
import { type FetchedModel, fetchModel, type FetchProgress, readHubSettings } from "@gumshoe/hub";

import type { Context } from "../context.js";
import { InterruptedError } from "../errors.js";
import { formatBytes } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { listenForStop } from "../terminal/stop-signal.js";

const BAR_WIDTH = 30;
/** Without a screen, progress is printed at most this often. */
const LINE_EVERY_MS = 5000;

/** How a command brings a model to this machine. */
export interface PullOptions {
  /** `tokenizer` leaves the weights out. */
  readonly only: "model" | "tokenizer";
  /** The command that goes on after a stop, as it can be typed. */
  readonly again: string;
}

/**
 * Brings a model of the hub into the cache, and shows how far that is. A model that would not be understood is
 * refused by its text files, before the weights come.
 *
 * @throws what `fetchModel` throws; ClusterError ABORTED naming the command that goes on, after Ctrl-C
 */
export async function pullModel(
  model: HubModel,
  { only, again }: PullOptions,
  { terminal, clock, env }: Context,
): Promise<FetchedModel> {
  const settings = readHubSettings(env);
  const stop = listenForStop(() => undefined);
  const line = new StatusLine(terminal);
  const text = hubModelText(model);
  let saidAtMs = clock.monotonicMs();
  const onProgress = (progress: FetchProgress) => {
    const shown = describeProgress(text, progress);
    line.set(shown);
    if (terminal.isScreen || clock.monotonicMs() - saidAtMs < LINE_EVERY_MS) return;
    saidAtMs = clock.monotonicMs();
    terminal.err(`${shown}\n`);
  };
  try {
    return await fetchModel(model, {
      settings,
      clock,
      only,
      texts: ASSET_NAMES,
      signal: stop.signal,
      onProgress,
      onNotice: (notice) => line.print(notice),
      checkTexts: (folder) => (only === "model" ? checkTexts(text, folder) : Promise.resolve()),
    });
  } catch (thrown) {
    if (!(thrown instanceof InterruptedError)) throw withWayOn(thrown, again);
    const kept = "what has come is kept, and the same command goes on from there";
    throw new ClusterError("ABORTED", `stopped; ${kept}: ${again}`, { cause: thrown });
  } finally {
    line.clear();
    stop.dispose();
  }
}

/** A break that may be over soon keeps what has come. */
function withWayOn(thrown: unknown, again: string): unknown {
  if (!(thrown instanceof ClusterError) || !thrown.retryable) return thrown;
  const { code, message, details } = thrown;
  const wayOn = `${message}; what has come is kept, go on by: ${again}`;
  return new ClusterError(code, wayOn, { details, cause: thrown });
}

/** @throws InvalidArgumentError when architecture or tokenizer are not understood */
async function checkTexts(model: string, folder: string): Promise<void> {
  try {
    const assets = await readAssets(folder);
    const config = assets["config.json"];
    if (config === undefined) throw new ModelFolderError({ file: "config.json" }, "is missing");
    parseModelConfig(JSON.parse(config));
    await openTokenizer({ dir: folder, assets, config: null });
  } catch (cause) {
    const problem = `${model} would not be understood: ${errorMessage(cause)}; its weights are not fetched`;
    throw new InvalidArgumentError("model", problem, { cause });
  }
}

/** Says whether a folder of the cache holds all that is wanted of its model. */
export async function isWhole(folder: string, only: "model" | "tokenizer"): Promise<boolean> {
  try {
    if (only === "model") await (await openModelFolder(folder)).close();
    else await openTokenizer({ dir: folder, assets: await readAssets(folder), config: null });
    return true;
  } catch {
    return false;
  }
}

function describeProgress(model: string, { doneBytes, totalBytes, file }: FetchProgress): string {
  const share = totalBytes === 0 ? 1 : doneBytes / totalBytes;
  const bytes = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  return `${model} ${drawBar(share, BAR_WIDTH)} ${bytes}  ${file}`;
}
