import { shownValue } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";
import { BYTE_LETTERS } from "./byte-letters.js";
import type { JsonObject } from "./tokenizer-files.js";

/** Maps the texts of tokens to others whose concatenation is the decoded text. */
type Step = (tokens: readonly string[]) => string[];

const BYTES = new Map(BYTE_LETTERS.map((letter, byte) => [letter, byte]));
const FALLBACK_BYTE = /^<0x([0-9A-Fa-f]{2})>$/;

/**
 * Creates a function that decodes tokens as the decoder of `tokenizer.json` says.
 *
 * @param decoder  null joins tokens with spaces
 * @throws TokenizerError naming an unsupported decoder
 */
export function tokenDecoder(decoder: unknown): (tokens: readonly string[]) => string {
  if (decoder === null || decoder === undefined) return (tokens) => tokens.join(" ");
  const step = makeStep(decoder, 0);
  return (tokens) => step(tokens).join("");
}

function makeStep(value: unknown, depth: number): Step {
  const decoder = (value ?? {}) as JsonObject;
  const text = (name: string, fallback = "") => {
    const given = decoder[name] ?? fallback;
    return typeof given === "string" ? given : refuse(`${name} of a decoder that is no text`);
  };
  switch (decoder["type"]) {
    case "Sequence": {
      const inner = decoder["decoders"];
      if (!Array.isArray(inner) || depth > 4) refuse("a sequence of decoders that is none");
      const steps = (inner as unknown[]).map((one) => makeStep(one, depth + 1));
      return (tokens) => steps.reduce((made, step) => step(made), [...tokens]);
    }
    case "ByteLevel":
      return (tokens) => [bytesToText(tokens.map(byteLevelBytes))];
    case "ByteFallback":
      return joinFallbackBytes;
    case "Fuse":
      return (tokens) => [tokens.join("")];
    case "Replace": {
      const pattern = (decoder["pattern"] as JsonObject | null)?.["String"];
      if (typeof pattern !== "string") refuse("a Replace decoder with a regular expression");
      const content = text("content");
      return (tokens) => tokens.map((token) => token.replaceAll(pattern, () => content));
    }
    case "Strip":
      return stripping(text("content", " "), Number(decoder["start"]), Number(decoder["stop"]));
    case "Metaspace": {
      const replacement = text("replacement", "▁");
      const scheme =
        decoder["prepend_scheme"] ?? (decoder["add_prefix_space"] === false ? "never" : "always");
      return (tokens) =>
        tokens.map((token, i) => unspace(token, i === 0 && scheme !== "never", replacement));
    }
    default:
      return refuse(`a decoder of type ${shownValue(decoder["type"] ?? null)}`);
  }
}

function refuse(what: string): never {
  throw new TokenizerError("tokenizer.json", `has ${what}, not known here`);
}

/** A token with a character that stands for no byte is kept as text. */
function byteLevelBytes(token: string): readonly number[] {
  const bytes = Array.from(token, (letter) => BYTES.get(letter));
  if (bytes.includes(undefined)) return [...new TextEncoder().encode(token)];
  return bytes as number[];
}

/** Invalid UTF-8 becomes replacement characters; a byte order mark is kept. */
function bytesToText(parts: readonly (readonly number[])[]): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(parts.flat()));
}

/** Decodes runs of `<0xNN>` as UTF-8; in an invalid run every byte becomes a replacement character. */
function joinFallbackBytes(tokens: readonly string[]): string[] {
  const made: string[] = [];
  let run: number[] = [];
  const flush = () => {
    if (run.length === 0) return;
    try {
      const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      made.push(decoder.decode(Uint8Array.from(run)));
    } catch {
      made.push(..."\ufffd".repeat(run.length));
    }
    run = [];
  };
  for (const token of tokens) {
    const byte = FALLBACK_BYTE.exec(token)?.[1];
    if (byte !== undefined) run.push(parseInt(byte, 16));
    else {
      flush();
      made.push(token);
    }
  }
  flush();
  return made;
}

/** Strips up to this many characters from the ends of each token. */
function stripping(content: string, start: number, stop: number): Step {
  return (tokens) =>
    tokens.map((token) => {
      let from = 0;
      let to = token.length;
      while (from < start && token[from] === content) from++;
      while (token.length - to < stop && to > from && token[to - 1] === content) to--;
      return token.slice(from, to);
    });
}

/** Removes the space that was added before the first word, and all others in that token. */
function unspace(token: string, isFirst: boolean, replacement: string): string {
  return token.replaceAll(replacement, isFirst ? "" : " ");
}
