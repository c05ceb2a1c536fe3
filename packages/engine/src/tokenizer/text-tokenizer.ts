import { Tokenizer } from "@huggingface/tokenizers";

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

/** Makes a tokenizer; throws what the library throws when a part is not known to it. */
export function createTextTokenizer(tokenizer: JsonObject, config: JsonObject): TextTokenizer {
  return new Library(tokenizer, config);
}
