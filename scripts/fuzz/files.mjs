/** Valid inputs from the checkout, and folders for files that are written for each input. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

export function textOf(path) {
  return readFileSync(join(ROOT, path), "utf8");
}

export function bytesOf(path) {
  return new Uint8Array(readFileSync(join(ROOT, path)));
}

/** Parses JSON, also from a compressed file. */
export function jsonOf(path) {
  const bytes = readFileSync(join(ROOT, path));
  return JSON.parse(path.endsWith(".gz") ? gunzipSync(bytes) : bytes);
}

/** A folder for one parser's files; `remove` deletes it. */
export function makeFolder() {
  const path = mkdtempSync(join(tmpdir(), "gumshoe-fuzz-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Passes the parsed value of a JSON text to a parser; skips invalid JSON. */
export function parseJson(text, read) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return read(value);
}

/** Calls several readers with one input; throws an unexpected error before a rejection. */
export function readAll(readers, isRefusal) {
  let refusal = null;
  for (const read of readers) {
    try {
      read();
    } catch (thrown) {
      if (!isRefusal(thrown)) throw thrown;
      refusal ??= thrown;
    }
  }
  if (refusal !== null) throw refusal;
}
