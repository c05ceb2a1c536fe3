import { existsSync } from "node:fs";
import { type FileHandle, open, readFile, rm, stat, truncate } from "node:fs/promises";
import { dirname } from "node:path";

import { canonicalJson, InvalidArgumentError, makeFolder, shownValue } from "@gumshoe/core";

import type { TaskGrade } from "@gumshoe/puzzles";

import { FileError, writingError } from "../errors.js";
import type { SourcedAnswer } from "./answer-source.js";
import type { KeptAnswers } from "./evaluate.js";

/** `type` of the first line. */
const HEADER_TYPE = "gumshoe-replies";

/** The possible ends of an answer. */
const FINISHES: readonly unknown[] = ["stop", "length", "refusal"];

/** The parameters that determine an evaluation's replies: a file with others is rejected. */
export type RepliesIdentity = Readonly<Record<string, unknown>>;

/** A line of the file. */
interface ReplyLine {
  readonly index: number;
  readonly sample: number;
  readonly reply: string;
  /** How the answer ended: stop, length or refusal. */
  readonly finish?: "stop" | "length" | "refusal";
  /** Grade of an answer of several turns. */
  readonly grade?: TaskGrade;
  /** Why a received reply cannot be scored. */
  readonly notScored?: string;
  readonly tokens: SourcedAnswer["tokens"];
}

/**
 * A JSONL file with the replies of one evaluation, from which the same evaluation resumes.
 *
 * - The first line identifies the evaluation; see {@link RepliesIdentity}.
 * - Every received and charged reply is a line, which is on disk before the reply counts. Failed
 *   requests are not stored, and are repeated.
 * - A truncated last line, e.g. after `kill -9`, is removed.
 */
export class RepliesFile implements KeptAnswers {
  readonly answers: readonly SourcedAnswer[];
  readonly #handle: FileHandle;
  #numKept: number;

  private constructor(
    readonly path: string,
    handle: FileHandle,
    answers: readonly SourcedAnswer[],
  ) {
    this.#handle = handle;
    this.answers = answers;
    this.#numKept = answers.length;
  }

  /**
   * Opens a file, or creates it.
   *
   * @throws InvalidArgumentError when it holds the replies of another evaluation; FileError
   */
  static async open(path: string, identity: RepliesIdentity): Promise<RepliesFile> {
    try {
      makeFolder(dirname(path));
      const found = await stat(path).catch(() => null);
      if (found !== null && !found.isFile()) throw new FileError(path, "is no regular file");
      const answers = existsSync(path) ? await readReplies(path, identity) : null;
      const handle = await open(path, "a");
      const file = new RepliesFile(path, handle, answers ?? []);
      if (answers === null) await file.#append({ type: HEADER_TYPE, version: 1, ...identity });
      return file;
    } catch (thrown) {
      if (thrown instanceof InvalidArgumentError || thrown instanceof FileError) throw thrown;
      throw writingError(path, thrown);
    }
  }

  async keep({ index, sample, outcome, tokens }: SourcedAnswer): Promise<void> {
    if (outcome.type === "failure" && !outcome.isPaid) return;
    const line: ReplyLine =
      outcome.type === "answer"
        ? {
            index,
            sample,
            reply: outcome.reply,
            finish: outcome.finish,
            grade: outcome.grade,
            tokens,
          }
        : { index, sample, reply: "", notScored: outcome.reason, tokens };
    try {
      await this.#append(line);
    } catch (thrown) {
      throw writingError(this.path, thrown);
    }
    this.#numKept++;
  }

  /** Closes the file; with `keepEmpty` false, a file without replies is removed. */
  async close({ keepEmpty }: { keepEmpty: boolean }): Promise<void> {
    await this.#handle.close();
    if (this.#numKept === 0 && !keepEmpty) await rm(this.path, { force: true });
  }

  async #append(line: unknown): Promise<void> {
    await this.#handle.appendFile(`${JSON.stringify(line)}\n`);
    await this.#handle.datasync();
  }
}

/** Returns the replies of a file; null for an empty one. */
async function readReplies(
  path: string,
  identity: RepliesIdentity,
): Promise<SourcedAnswer[] | null> {
  const bytes = await readFile(path);
  if (bytes.byteLength === 0) return null;
  const [header = "", ...lines] = bytes.toString("utf8").split("\n");
  checkHeader(path, header, identity);
  const whole = bytes.lastIndexOf("\n") + 1;
  if (whole < bytes.byteLength) {
    if (whole === 0) throw new InvalidArgumentError(path, "its first line is not whole");
    await truncate(path, whole);
  }
  return lines.slice(0, -1).map((line, i) => readLine(path, line, i + 2));
}

function checkHeader(path: string, line: string, identity: RepliesIdentity): void {
  const header = parse(line);
  if (header?.["type"] !== HEADER_TYPE || header["version"] !== 1) {
    throw new InvalidArgumentError(path, "is no file of replies: it is left as it is");
  }
  for (const [name, value] of Object.entries(identity)) {
    if (canonicalJson(header[name] ?? null) === canonicalJson(value ?? null)) continue;
    const found = shownValue(header[name] ?? null);
    throw new InvalidArgumentError(
      path,
      `holds the replies of another evaluation: ${name} is ${found} there, ${shownValue(value)} here`,
      { suggestion: "name another file as --replies" },
    );
  }
}

function readLine(path: string, text: string, number: number): SourcedAnswer {
  const line = parse(text);
  if (!isReplyLine(line)) throw new InvalidArgumentError(path, `line ${number} is not a reply`);
  const { index, sample, reply, finish = "stop", grade, notScored, tokens = null } = line;
  return {
    index,
    sample,
    tokens,
    outcome:
      notScored === undefined
        ? { type: "answer", reply, finish, ...(grade && { grade }) }
        : { type: "failure", reason: notScored, isPaid: true },
  };
}

function isReplyLine(line: Readonly<Record<string, unknown>> | null): line is ReplyLine & {
  readonly [field: string]: unknown;
} {
  if (line === null) return false;
  const { index, sample, reply, finish, grade, notScored, tokens } = line;
  return (
    isCount(index) &&
    isCount(sample) &&
    typeof reply === "string" &&
    (finish === undefined || FINISHES.includes(finish)) &&
    (grade === undefined || isGrade(grade)) &&
    (notScored === undefined || typeof notScored === "string") &&
    (tokens === undefined || tokens === null || isTokens(tokens))
  );
}

function isGrade(value: unknown): boolean {
  const { reward, reason, metrics } = (value ?? {}) as Record<string, unknown>;
  const isScored = typeof reward === "number" || (reward === null && typeof reason === "string");
  const isObject = typeof metrics === "object" && metrics !== null;
  return isScored && isObject && Object.values(metrics).every((one) => typeof one === "number");
}

function isTokens(value: unknown): boolean {
  const { prompt, answer } = value as { prompt?: unknown; answer?: unknown };
  return isCount(prompt) && isCount(answer);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
