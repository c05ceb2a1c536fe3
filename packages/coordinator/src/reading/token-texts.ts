import type { Tokenizer } from "@gumshoe/engine";

/** Most tokens that one character is spread over: bytes of UTF-8. */
const MAX_PENDING = 4;
/** What decoders write for bytes that are no character. */
const NO_CHARACTER = "\ufffd";

/**
 * Returns the text of each token. A character that is spread over several tokens belongs to the last
 * of them; the texts of the others are empty. Tokens that are no text, such as the end token, are shown
 * by their spelling.
 */
export function tokenTexts(tokenizer: Pick<Tokenizer, "decode">, ids: Int32Array): string[] {
  const texts: string[] = [];
  let pending: number[] = [];
  // Some decoders take the first space off a text: every token is decoded behind another one.
  const [first] = ids;
  const before = first === undefined ? "" : tokenizer.decode([first]);
  for (const id of ids) {
    pending.push(id);
    const text = tokenizer.decode([first as number, ...pending]).slice(before.length);
    if (text.endsWith(NO_CHARACTER) && pending.length < MAX_PENDING) {
      texts.push("");
      continue;
    }
    texts.push(texts.length === 0 ? tokenizer.decode(pending) : text);
    pending = [];
  }
  if (pending.length > 0) texts[texts.length - 1] = tokenizer.decode(pending);
  return texts;
}
