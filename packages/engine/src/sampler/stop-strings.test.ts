import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

import { Tokenizer } from "../tokenizer/tokenizer.js";
import type { DecodeText } from "../tokenizer/incremental-decoder.js";
import { StopStrings } from "./stop-strings.js";

/** One id a byte of UTF-8, as a byte-level tokenizer decodes it. */
const bytes: DecodeText = (ids) =>
  new TextDecoder("utf-8", { ignoreBOM: true }).decode(Uint8Array.from(ids));
const encode = (text: string) => [...new TextEncoder().encode(text)];

/** Number of tokens after which a stop string is found; null if none is. */
function stopsAfter(ids: readonly number[], strings: readonly string[], decode = bytes) {
  const search = new StopStrings(strings, decode);
  const at = ids.findIndex((id) => search.push(id));
  return at < 0 ? null : at + 1;
}

test("a stop string is found with the token that completes it, wherever it begins", () => {
  expect(stopsAfter(encode("abcabd"), ["abd"])).toBe(6);
  expect(stopsAfter(encode("abcabd"), ["c", "abd"])).toBe(3);
  expect(stopsAfter(encode("aaaa"), ["b"])).toBeNull();
  expect(stopsAfter(encode("ab"), ["abc", "a"])).toBe(1);
});

test("a character counts from the token that completes it", () => {
  expect(stopsAfter(encode("x🔍y"), ["🔍"])).toBe(5);
  expect(stopsAfter(encode("x🔍é."), ["é."])).toBe(8);
  expect(stopsAfter(encode("é"), ["Ã"])).toBeNull();
});

test("bytes that are no character do not hide what follows", () => {
  expect(stopsAfter([0xf0, 0x9f, ...encode("stop")], ["stop"])).toBe(6);
  expect(stopsAfter([...Array<number>(9).fill(0x80), ...encode("stop")], ["stop"])).toBe(13);
});

test("a decoder that changes the first token alone finds the same text", () => {
  const words = ["▁the", "▁end", "▁is", "▁near"];
  const metaspace: DecodeText = (ids) =>
    ids
      .map((id) => words[id] ?? "")
      .join("")
      .replaceAll("▁", " ")
      .replace(/^ /, "");
  expect(stopsAfter([0, 1, 2, 3], [" end is"], metaspace)).toBe(3);
  expect(stopsAfter([1, 2], [" end"], metaspace)).toBeNull();
  expect(stopsAfter([1, 2], ["end"], metaspace)).toBe(1);
});

test("token by token the text of a real tokenizer is found where the whole text has it", async () => {
  const folder = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
  const tokenizer = await Tokenizer.load(folder);
  const decode: DecodeText = (ids) => tokenizer.decode(ids, { skipSpecialTokens: true });
  const ids = tokenizer.encode("A. Bell\nB. the 🔍 in the library<|end|>\nC. é 9:30 pm, 大丈夫");
  const whole = Array.from(ids, (_, i) => decode(ids.slice(0, i + 1)));
  for (const string of ["Bell", "\n", "🔍 in", "the lib", "é", "pm, 大", "夫", "y\nC"]) {
    const first = whole.findIndex((text) => text.includes(string));
    expect(stopsAfter(ids, [string], decode), string).toBe(first + 1);
  }
});
