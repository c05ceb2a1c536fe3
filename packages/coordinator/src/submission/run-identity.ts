/**
 * Identifies a run's inputs: its model folder and its task sources are recorded by content at
 * submission, and a resume with other content is rejected with the field's name.
 *
 * A small file is hashed on every check. Hashing large weights takes seconds, so a large file is
 * hashed again only when its size or its `stat` times have changed.
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage, hashJson } from "@gumshoe/core";
import { modelFileNames } from "@gumshoe/engine";
import type { RunConfig } from "@gumshoe/config";
import type { InputFile, InputSource, RunInputs } from "@gumshoe/protocol";

import { InputChangedError, UnreadableFileError } from "../errors.js";

/** Size, in bytes, from which a file with unchanged `stat` values is not hashed again. */
const LARGE_FILE_BYTES = 16 * 1024 * 1024;
/** Hex digits of a hash in a message. */
const SHOWN_DIGITS = 12;

/** Computes the SHA-256 of a file without blocking the event loop. */
export type HashFile = (file: string) => Promise<string>;

/**
 * Identifies everything that a run reads.
 *
 * @param sources  of its tasks, as they were opened
 * @param known    the previous record: unchanged large files are not hashed again
 * @throws         ModelFolderError, UnreadableFileError
 */
export async function readInputs(
  config: RunConfig,
  sources: readonly InputSource[],
  { hash, known = null }: { hash: HashFile; known?: RunInputs | null },
): Promise<RunInputs> {
  const model: InputFile[] = [];
  for (const name of await namesOf(config)) {
    const before = known?.model.find(({ file }) => file === name);
    model.push(await readInputFile(join(config.model, name), name, { hash, before }));
  }
  return { model, sources: [...sources] };
}

/**
 * Compares a run's current inputs with those it began with.
 *
 * @throws InputChangedError naming the field and the file
 */
export function checkSameInputs(config: RunConfig, before: RunInputs, now: RunInputs): void {
  for (const { field, file, sha256 } of before.sources) {
    const source = now.sources.find((one) => one.field === field);
    if (source?.sha256 === sha256) continue;
    const what = file === null ? "the source of the tasks" : describeFile(field, file);
    throw new InputChangedError(field, differs(what, sha256, source?.sha256 ?? null));
  }
  const names = new Set([...before.model, ...now.model].map(({ file }) => file));
  for (const name of [...names].sort()) {
    const [was, is] = [before, now].map(({ model }) => model.find(({ file }) => file === name));
    if (was?.sha256 === is?.sha256) continue;
    const problem = differs(join(config.model, name), was?.sha256 ?? null, is?.sha256 ?? null);
    throw new InputChangedError("model", problem);
  }
}

/** Identifies a run by its config and its inputs' content, since its name may be reused. */
export function runDigest(config: RunConfig, inputs: RunInputs | null): string {
  const model = inputs?.model.map(({ file, sha256 }) => [file, sha256]) ?? [];
  const sources = inputs?.sources.map(({ field, sha256 }) => [field, sha256]) ?? [];
  return hashJson({ config, model, sources });
}

/**
 * Returns whether the record of large files is outdated, so that they would be hashed on every
 * check.
 */
export function isStale(before: RunInputs, now: RunInputs): boolean {
  return now.model.some(
    ({ file, bytes, state }) =>
      bytes >= LARGE_FILE_BYTES && before.model.find((one) => one.file === file)?.state !== state,
  );
}

function describeFile(field: string, file: string): string {
  return field.endsWith(".module") ? `${file}, or a file that it imports,` : file;
}

function differs(what: string, was: string | null, is: string | null): string {
  if (was === null) return `${what} was not there when this run began`;
  if (is === null) return `${what} is missing; it was there when this run began`;
  const [old, current] = [was, is].map((digest) => digest.slice(0, SHOWN_DIGITS));
  return `${what} has changed since this run began (SHA-256 ${current}..., it was ${old}...)`;
}

async function namesOf(config: RunConfig): Promise<readonly string[]> {
  const { assets, weights } = await modelFileNames(config.model);
  const isNew = config.type === "sft" && config.init.type === "new";
  // A new model uses only the tokenizer of its folder.
  return isNew ? assets.filter((name) => name !== "config.json") : [...assets, ...weights];
}

async function readInputFile(
  path: string,
  name: string,
  { hash, before }: { hash: HashFile; before: InputFile | undefined },
): Promise<InputFile> {
  const { size, mtimeNs, ctimeNs, ino } = await stat(path, { bigint: true }).catch(
    (error: unknown) => {
      throw new UnreadableFileError(path, errorMessage(error));
    },
  );
  const bytes = Number(size);
  const state = [mtimeNs, ctimeNs, ino].join(" ");
  const isKnown = bytes >= LARGE_FILE_BYTES && before?.bytes === bytes && before.state === state;
  return { file: name, bytes, sha256: isKnown ? before.sha256 : await hash(path), state };
}
