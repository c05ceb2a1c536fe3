import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** How much of a log's end is looked at. */
const TAIL_BYTES = 16_384;
/** pino's level of an error. */
const ERROR_LEVEL = 50;

/** Returns the last complaint of a log in one line, or its last line; null when it says nothing. */
export function lastComplaint(path: string): string | null {
  const lines = readTail(path)
    .split("\n")
    .filter((line) => line.trim() !== "");
  const complaint = lines.map(complaintOf).findLast((text) => text !== null);
  return complaint ?? lines.at(-1) ?? null;
}

/** Reads one JSON log line; returns its message when it is an error. */
function complaintOf(line: string): string | null {
  try {
    const { level, msg, err } = JSON.parse(line) as {
      level?: unknown;
      msg?: unknown;
      err?: { message?: unknown };
    };
    if (!(typeof level === "number" && level >= ERROR_LEVEL)) return null;
    const message = err?.message ?? msg;
    return typeof message === "string" ? message : null;
  } catch {
    return /\berror\b/i.test(line) ? line.trim() : null;
  }
}

function readTail(path: string): string {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return "";
  }
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8");
  } finally {
    closeSync(file);
  }
}
