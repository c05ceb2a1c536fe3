import { Tokenizer } from "@huggingface/tokenizers";

import { losesLetters } from "./check-tokenizer.js";
import { type JsonObject } from "./tokenizer-files.js";

/** What is used of the library's tokenizer: text to ids and back, as `tokenizer.json` says. */
export interface TextTokenizer {
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  /** @param ids  not empty */
  decode(
    ids: readonly number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}

// The library's declarations import without file extensions, which the compiler cannot follow
// under Node's rules; so its class is named by the interface above.
const Library = Tokenizer as unknown as new (
  tokenizer: JsonObject,
  config: JsonObject,
) => TextTokenizer;

/** The part of the library's BPE by which it cuts words into tokens. */
interface WordModel {
  readonly tokens_to_ids: ReadonlyMap<string, number>;
  encode(words: readonly string[]): string[];
}

/** Makes a tokenizer; throws what the library throws when a part is not known to it. */
export function createTextTokenizer(tokenizer: JsonObject, config: JsonObject): TextTokenizer {
  const made = new Library(tokenizer, config);
  if (losesLetters(tokenizer["model"] as JsonObject)) {
    dropUnknownLetters((made as unknown as { model: WordModel }).model);
  }
  return made;
}

/** Drops letters that no token has before those around them are merged, as Rust does; the library after it. */
function dropUnknownLetters(model: WordModel): void {
  const ids = model.tokens_to_ids;
  const encode = model.encode.bind(model);
  const known = (word: string) =>
    Array.from(word)
      .filter((letter) => ids.has(letter))
      .join("");
  model.encode = (words) => encode(words.map((word) => (ids.has(word) ? word : known(word))));
}
