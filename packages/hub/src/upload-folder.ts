import { openAsBlob } from "node:fs";
import { join } from "node:path";

import { HubAwayError } from "./errors.js";
import { connectHub, hubError } from "./hub-connection.js";
import type { HubSettings } from "./settings.js";

/** Options of an upload. */
export interface UploadOptions {
  readonly settings: HubSettings;
  /** `owner/name`; created if it does not exist. */
  readonly name: string;
  readonly folder: string;
  /** Names of the files in the folder. */
  readonly files: readonly string[];
  /** Text files that are not in the folder, by name, such as a model card. */
  readonly texts: Readonly<Record<string, string>>;
  readonly isPrivate: boolean;
  /** Title of the commit. */
  readonly title: string;
  readonly signal?: AbortSignal;
  /** Called with a text that describes the current step. */
  readonly onPhase?: (text: string) => void;
}

/** Result of an upload. */
export interface UploadedFolder {
  readonly name: string;
  readonly url: string;
  readonly commit: string;
  readonly files: readonly string[];
}

const PHASES: Readonly<Record<string, string>> = {
  preuploading: "asking the hub what it has",
  uploadingLargeFiles: "uploading the weights",
  committing: "committing",
};

/**
 * Uploads files of a folder as one commit, so that either all of them are visible or none. Large files that the hub
 * already has are not sent again, so a second attempt resumes.
 *
 * @throws HubRefusedError, HubAwayError, or the signal's reason
 */
export async function uploadFolder(options: UploadOptions): Promise<UploadedFolder> {
  const { settings, name, folder, files, texts, signal, onPhase } = options;
  try {
    const { library, common } = await connectHub(settings, signal);
    const { repo, credentials } = {
      repo: name,
      credentials: { accessToken: settings.token ?? "" },
    };
    if (!(await library.repoExists({ ...common, repo }))) {
      onPhase?.(`making ${name}`);
      const visibility = options.isPrivate ? "private" : "public";
      await library.createRepo({ ...common, repo, visibility, ...credentials });
    }
    const sent: { path: string; content: Blob }[] = [];
    for (const path of files) sent.push({ path, content: await openAsBlob(join(folder, path)) });
    for (const [path, text] of Object.entries(texts))
      sent.push({ path, content: new Blob([text]) });
    const commit = library.commitIter({
      ...common,
      repo,
      title: options.title,
      operations: sent.map((file) => ({ operation: "addOrUpdate" as const, ...file })),
      ...(signal === undefined ? {} : { abortSignal: signal }),
    });
    for (;;) {
      const step = await commit.next();
      if (step.done !== true) {
        if (step.value.event === "phase") onPhase?.(PHASES[step.value.phase] ?? step.value.phase);
        continue;
      }
      const oid = step.value?.commit.oid;
      if (oid === undefined) throw new HubAwayError(settings.endpoint, "names no commit");
      const all = sent.map(({ path }) => path).sort();
      return { name, url: `${settings.endpoint}/${name}`, commit: oid, files: all };
    }
  } catch (thrown) {
    const repo = { kind: "model", name } as const;
    throw hubError(thrown, { settings, repo, revision: null, signal });
  }
}
