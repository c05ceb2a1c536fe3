/**
 * Files in data sets of the Hugging Face hub, under the names that huggingface_hub, pandas and DuckDB use:
 * `hf://datasets/owner/name/path` and `hf://datasets/owner/name@revision/path`. A slash in a revision is written
 * `%2F`; of `refs/convert/NAME` and `refs/pr/NUMBER` it may stay.
 */
import type { z } from "zod";

/** A file in a data set of the hub, as a config names it. */
export interface HubFileName {
  /** `owner/name` of the data set. */
  readonly name: string;
  /** A branch, a tag or a commit; null for the newest of the main branch. */
  readonly revision: string | null;
  /** Path in the repository. */
  readonly path: string;
}

/** A file in a data set of the hub at one commit. */
export interface PinnedFile {
  readonly name: string;
  /** 40 hexadecimal digits. */
  readonly commit: string;
  readonly path: string;
}

/** What every name of a file on the hub begins with, in any form that users write. */
const ON_HUB = /^hf:/i;
const PART = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?";
const REVISION = "refs/(?:convert|pr)/[\\w.-]{1,100}|\\w(?:[\\w.-]|%2[Ff]){0,199}";
const HUB_FILE = new RegExp(`^hf://datasets/(${PART}/${PART})(?:@(${REVISION}))?/(.+)$`);
const COMMIT = /^[0-9a-f]{40}$/;

/** Returns whether a text names a file on the hub, rightly or wrongly, and so is no path. */
export function isHubFile(text: string): boolean {
  return ON_HUB.test(text);
}

/** Reads `hf://datasets/owner/name[@revision]/path`; null for anything else. */
export function parseHubFile(text: string): HubFileName | null {
  const [, name, revision, path] = HUB_FILE.exec(text) ?? [];
  if (name === undefined || path === undefined) return null;
  if (/--|\.\./.test(name) || name.endsWith(".git")) return null;
  const isPath = path.split("/").every((part) => !["", ".", ".."].includes(part));
  // A backslash or a control character in a path has another meaning on another system.
  // eslint-disable-next-line no-control-regex
  if (!isPath || /[\\\u0000-\u001f]/.test(path)) return null;
  const decoded = revision?.replace(/%2f/gi, "/") ?? null;
  if (decoded?.split("/").some((part) => ["", ".", ".."].includes(part)) === true) return null;
  return { name, revision: decoded, path };
}

/** Reads a name whose revision is a whole commit; null for anything else. */
export function parsePinnedFile(text: string): PinnedFile | null {
  const { name = "", revision = null, path = "" } = parseHubFile(text) ?? {};
  return revision !== null && COMMIT.test(revision) ? { name, commit: revision, path } : null;
}

/** Writes the name of a file on the hub as a config has it. */
export function hubFileText({ name, revision, path }: HubFileName): string {
  const at = revision === null ? "" : `@${revision.replaceAll("/", "%2F")}`;
  return `hf://datasets/${name}${at}/${path}`;
}

/** Refuses a text that begins like the name of a file on the hub and is none. */
export function checkHubFile(text: string, context: z.RefinementCtx): void {
  if (!isHubFile(text) || parseHubFile(text) !== null) return;
  context.addIssue({
    code: "custom",
    message: "must be hf://datasets/owner/name/path or hf://datasets/owner/name@revision/path",
  });
}
