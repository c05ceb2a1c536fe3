import { errorMessage } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";
import { readAssets } from "../weights/assets.js";
import { type ChatOptions, ChatTemplate, type Message } from "./chat-template.js";
import { findStopTokens } from "./stop-tokens.js";
import { createTextTokenizer, type TextTokenizer } from "./text-tokenizer.js";
import { type JsonObject, parseTokenizerFiles, type TokenizerFiles } from "./tokenizer-files.js";
import { tokenizerOfVocabulary } from "./vocabulary-files.js";

function tokenizerJson(files: TokenizerFiles): JsonObject {
  const { tokenizer, vocabulary } = files;
  if (tokenizer !== null) return tokenizer;
  return vocabulary === null ? {} : tokenizerOfVocabulary(files, vocabulary);
}

/**
 * Turns text into token ids and back, as the tokenizer files of a model folder say.
 *
 * - Special tokens inside a text are recognised; none is added.
 * - Ids that no token has (a model's vocabulary may be padded) decode to nothing.
 */
export class Tokenizer {
  /** Ids after which an answer is over, in rising order. */
  readonly stopTokenIds: readonly number[];
  /** One more than the largest id. */
  readonly vocabularySize: number;
  readonly #text: TextTokenizer;
  readonly #chat: ChatTemplate | null;

  private constructor(assets: Readonly<Record<string, string>>) {
    const files = parseTokenizerFiles(assets);
    try {
      this.#text = createTextTokenizer(tokenizerJson(files), files.config);
    } catch (error) {
      if (error instanceof TokenizerError) throw error;
      throw new TokenizerError("tokenizer.json", `cannot be used: ${errorMessage(error)}`, error);
    }
    this.#chat = ChatTemplate.fromFiles(files);
    let largest = -1;
    for (const id of this.#text.get_vocab(true).values()) largest = Math.max(largest, id);
    this.vocabularySize = largest + 1;
    this.stopTokenIds = findStopTokens(files, (token) => this.tokenId(token));
  }

  /**
   * Loads the tokenizer of a model folder.
   *
   * @throws ModelFolderError when there is no such folder; TokenizerError naming the file
   */
  static async load(dir: string): Promise<Tokenizer> {
    return new Tokenizer(await readAssets(dir));
  }

  /**
   * Makes a tokenizer from the texts of its files.
   *
   * @param assets  file name to content; `tokenizer.json` is needed, the others are used if there
   * @throws        TokenizerError naming the file
   */
  static fromAssets(assets: Readonly<Record<string, string>>): Tokenizer {
    return new Tokenizer(assets);
  }

  encode(text: string): number[] {
    return this.#text.encode(text, { add_special_tokens: false }).ids;
  }

  decode(ids: Iterable<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const known = [...ids].filter((id) => this.#text.id_to_token(id) !== undefined);
    // The library takes an empty list for a mistake.
    if (known.length === 0) return "";
    return this.#text.decode(known, {
      skip_special_tokens: options.skipSpecialTokens ?? false,
      clean_up_tokenization_spaces: false,
    });
  }

  /** Returns the id of a token by its exact spelling, or null. */
  tokenId(token: string): number | null {
    return this.#text.token_to_id(token) ?? null;
  }

  /**
   * Writes a conversation as the model has learned to read it.
   *
   * @throws TokenizerError when the folder has no chat template, or it refuses the messages
   * @throws TemplateDateError when the template asks for a date that was not given
   */
  renderChat(messages: readonly Message[], options: ChatOptions = {}): string {
    if (this.#chat === null) {
      throw new TokenizerError("tokenizer_config.json", "has no chat_template");
    }
    return this.#chat.render(messages, options);
  }

  /** Returns the ids of {@link renderChat}. */
  encodeChat(messages: readonly Message[], options: ChatOptions = {}): number[] {
    return this.encode(this.renderChat(messages, options));
  }
}
