import { stat } from "node:fs/promises";

import {
  type HubFileField,
  hubFiles,
  type HubFileName,
  hubFileText,
  parseHubFile,
  parsePinnedFile,
  replaceHubFiles,
  replaceSourceFiles,
  type RunConfig,
  type TaskSourceConfig,
} from "@gumshoe/config";
import { ClusterError } from "@gumshoe/core";
import {
  cachedCommit,
  dataFilePath,
  HubAwayError,
  hubCacheFolder,
  MAIN,
  readHubSettings,
  resolveDataCommit,
} from "@gumshoe/hub";

import type { Context } from "../context.js";
import { pullDataFile } from "./pull-data-file.js";

/** How the files on the hub that a config names are settled. */
export interface SourceOptions {
  /** The config that a run of this name began with; null for a new run. */
  readonly known: RunConfig | null;
  /** Whether the files are wanted on this machine, or the commits alone. */
  readonly isHere: boolean;
  /** The command that goes on after a stop, as it can be typed. */
  readonly again: string;
}

/**
 * Adds the commit to each name of a file on the hub, and brings the files here where they are wanted. A run that is
 * continued keeps the commits that it began with, whatever the hub has by now.
 *
 * @throws what `pullDataFile` throws, with the field
 */
export async function settleSources(
  config: RunConfig,
  options: SourceOptions,
  context: Context,
): Promise<RunConfig> {
  const known = new Map(
    (options.known === null ? [] : hubFiles(options.known)).map(({ field, file }) => [field, file]),
  );
  const settler = new Settler(options, context);
  const settled = new Map<string, string>();
  for (const named of hubFiles(config)) {
    settled.set(named.field, await settler.settle(named, known.get(named.field) ?? null));
  }
  return replaceHubFiles(config, (field, file) => settled.get(field) ?? file);
}

/**
 * Brings the files on the hub that a source names to this machine, and returns the source with their places.
 *
 * @param named.field  path of the source, for errors
 * @throws             what `pullDataFile` throws, with the field
 */
export async function bringSource(
  named: { readonly field: string; readonly source: TaskSourceConfig },
  { again, context }: { again: string; context: Context },
): Promise<TaskSourceConfig> {
  const settler = new Settler({ known: null, isHere: true, again }, context);
  const places = new Map<string, string>();
  for (const file of hubFiles(named)) {
    const pinned = parsePinnedFile(await settler.settle(file, null));
    if (pinned === null) throw new Error("a settled name has a commit");
    places.set(file.field, dataFilePath(hubCacheFolder(context.env), pinned));
  }
  return replaceSourceFiles(named, (field, file) => places.get(field) ?? file);
}

class Settler {
  /** Commits by data set and revision: the files of one config come from one commit. */
  readonly #commits = new Map<string, string>();

  constructor(
    private readonly options: Omit<SourceOptions, "known"> & { readonly known: RunConfig | null },
    private readonly context: Context,
  ) {}

  /** Returns the name with its commit. */
  async settle({ field, file, type }: HubFileField, known: string | null): Promise<string> {
    const named = parseHubFile(file);
    if (named === null) throw new Error("the schema has checked the name");
    try {
      const wanted = { ...named, revision: this.#revision({ field, named, known }) };
      const commit = this.options.isHere
        ? await this.#bring(wanted, type)
        : await resolveDataCommit(wanted, { settings: readHubSettings(this.context.env) });
      this.#commits.set(`${named.name}@${named.revision ?? MAIN}`, commit);
      return hubFileText({ ...named, revision: commit });
    } catch (thrown) {
      if (!(thrown instanceof ClusterError) || thrown.code === "ABORTED") throw thrown;
      const { code, details, message } = thrown;
      throw new ClusterError(code, `${field}: ${message}`, { details, cause: thrown });
    }
  }

  /** Returns the revision to take: the commit of the run that is continued, or of another file of the config. */
  #revision({
    field,
    named,
    known,
  }: {
    field: string;
    named: HubFileName;
    known: string | null;
  }): string | null {
    const { name, revision, path } = named;
    if (parsePinnedFile(hubFileText(named)) !== null) return revision;
    const before = known === null ? null : parsePinnedFile(known);
    if (before?.name === name && before.path === path) {
      const text = hubFileText({ ...named, revision: before.commit });
      this.context.terminal.err(
        `${field} ${text}: the commit that run ${this.options.known?.name ?? ""} began with\n`,
      );
      return before.commit;
    }
    return this.#commits.get(`${name}@${revision ?? MAIN}`) ?? revision;
  }

  /** Brings a file here, and returns its commit. */
  async #bring(wanted: HubFileName, type: HubFileField["type"]): Promise<string> {
    const { name, revision, path } = wanted;
    const { env, terminal } = this.context;
    const cache = hubCacheFolder(env);
    const asked = { kind: "dataset", name, revision: revision ?? MAIN } as const;
    const kept = await cachedCommit(cache, asked);
    const place = kept === null ? null : dataFilePath(cache, { name, commit: kept, path });
    const isKept = place !== null && (await stat(place).catch(() => null))?.isFile() === true;
    if (kept !== null && isKept && kept === revision) return kept;
    try {
      const { again } = this.options;
      return (await pullDataFile(wanted, { type, again }, this.context)).commit;
    } catch (thrown) {
      const isAway = thrown instanceof Error && thrown.cause instanceof HubAwayError;
      if (!isAway || kept === null || !isKept) throw thrown;
      const used = hubFileText({ ...wanted, revision: kept });
      terminal.err(`the hub cannot be reached; ${used} is used, which was fetched before\n`);
      return kept;
    }
  }
}
