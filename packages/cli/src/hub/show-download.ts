import { ClusterError } from "@gumshoe/core";
import type { DownloadOptions, FetchProgress } from "@gumshoe/hub";

import type { Context } from "../context.js";
import { InterruptedError } from "../errors.js";
import { formatBytes } from "../terminal/format.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import { listenForStop } from "../terminal/stop-signal.js";

const BAR_WIDTH = 30;
/** Without a screen, progress is printed at most this often. */
const LINE_EVERY_MS = 5000;

/** What a download tells while it lasts, and what ends it. */
type Reports = Required<Pick<DownloadOptions, "signal" | "onProgress" | "onNotice">>;

/**
 * Shows how far a download is, and ends it on Ctrl-C.
 *
 * @param options.title  what is fetched
 * @param options.again  the command that goes on after a stop, as it can be typed
 * @throws               what `download` throws; ClusterError ABORTED naming the command that goes on, after Ctrl-C
 */
export async function showDownload<T>(
  { title, again }: { title: string; again: string },
  { terminal, clock }: Context,
  download: (reports: Reports) => Promise<T>,
): Promise<T> {
  const stop = listenForStop(() => undefined);
  const line = new StatusLine(terminal);
  let saidAtMs = clock.monotonicMs();
  const onProgress = (progress: FetchProgress) => {
    const shown = describeProgress(title, progress);
    line.set(shown);
    if (terminal.isScreen || clock.monotonicMs() - saidAtMs < LINE_EVERY_MS) return;
    saidAtMs = clock.monotonicMs();
    terminal.err(`${shown}\n`);
  };
  try {
    const onNotice = (notice: string) => line.print(notice);
    return await download({ signal: stop.signal, onProgress, onNotice });
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

function describeProgress(title: string, { doneBytes, totalBytes, file }: FetchProgress): string {
  const share = totalBytes === 0 ? 1 : doneBytes / totalBytes;
  const bytes = `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  return `${title} ${drawBar(share, BAR_WIDTH)} ${bytes}  ${file}`;
}
