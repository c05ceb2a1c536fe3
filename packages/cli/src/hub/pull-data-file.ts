import type { HubFileField, HubFileName } from "@gumshoe/config";
import { MAX_DATA_BYTES, TABLE_EXTENSIONS } from "@gumshoe/environments";
import { type FetchedDataFile, fetchDataFile, readHubSettings } from "@gumshoe/hub";

import type { Context } from "../context.js";
import { showDownload } from "./show-download.js";

/** Extensions of the files that a source of each type reads. */
const EXTENSIONS: Readonly<Record<HubFileField["type"], readonly string[]>> = {
  file: TABLE_EXTENSIONS,
  dataset: [".json", ".jsonl", ".ndjson"],
};

/**
 * Brings a file of a data set on the hub into the cache, and shows how far that is.
 *
 * @param options.again  the command that goes on after a stop, as it can be typed
 * @throws               what `fetchDataFile` throws; ClusterError ABORTED naming the command that goes on, after Ctrl-C
 */
export function pullDataFile(
  named: HubFileName,
  { type, again }: { type: HubFileField["type"]; again: string },
  context: Context,
): Promise<FetchedDataFile> {
  const settings = readHubSettings(context.env);
  return showDownload({ title: named.name, again }, context, (reports) =>
    fetchDataFile(named, {
      settings,
      clock: context.clock,
      extensions: EXTENSIONS[type],
      maxBytes: MAX_DATA_BYTES,
      ...reports,
    }),
  );
}
