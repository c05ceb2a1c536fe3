import { access } from "node:fs/promises";
import { join } from "node:path";

import { GoldenFormatError, type GoldenJson } from "@gumshoe/grpo";

import { Tokenizer } from "../tokenizer/tokenizer.js";
import { compareExactly, type VerifyCheck } from "./check.js";
import { readGoldenJson } from "./golden-json-file.js";

/** Golden files of a tokenizer folder. */
export const ENCODINGS = "encodings.json";
export const CHATS = "chats.json";

/**
 * Compares the tokenizer with reference encodings and chats.
 *
 * @param tokenizerDir  folder of the tokenizer's own files
 * @throws GoldenFormatError, GoldenFileError, TokenizerError
 */
export async function* verifyTokenizer(
  dir: string,
  tokenizerDir: string,
): AsyncGenerator<VerifyCheck> {
  const tokenizer = await Tokenizer.load(tokenizerDir);
  for (const [name, verify] of [
    [ENCODINGS, verifyEncoding],
    [CHATS, verifyChat],
  ] as const) {
    const file = join(dir, name);
    if (!(await isThere(file))) continue;
    const items = (await readGoldenJson(file)).items();
    if (items.length === 0) throw new GoldenFormatError(file, "is empty");
    for (const [i, item] of items.entries()) {
      yield* verify(tokenizer, item, { path: dir, case: `${name} ${i}` });
    }
  }
}

function* verifyEncoding(
  tokenizer: Tokenizer,
  item: GoldenJson,
  place: { path: string; case: string },
): Generator<VerifyCheck> {
  const ids = item.field("ids").numbers();
  const ours = tokenizer.encode(item.field("text").text());
  yield compareExactly(place, "ids", { ours, expected: ids });
  const decoded = item.field("decoded").text();
  yield compareExactly(place, "decoded", { ours: tokenizer.decode(ids), expected: decoded });
}

function* verifyChat(
  tokenizer: Tokenizer,
  item: GoldenJson,
  place: { path: string; case: string },
): Generator<VerifyCheck> {
  const addGenerationPrompt = item.field("addGenerationPrompt").value === true;
  const messages = item
    .field("messages")
    .items()
    .map((message) => ({
      // Messages are passed whole: a template may use more fields than role and content.
      ...(message.value as object),
      role: message.field("role").text(),
      content: message.field("content").text(),
    }));
  const text = tokenizer.renderChat(messages, { addGenerationPrompt });
  yield compareExactly(place, "text", { ours: text, expected: item.field("text").text() });
  const ids = item.field("ids").numbers();
  yield compareExactly(place, "ids", { ours: tokenizer.encode(text), expected: ids });
}

async function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
