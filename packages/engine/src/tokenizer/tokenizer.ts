import { errorMessage } from "@gumshoe/core";

import { TokenizerError } from "../errors.js";
import { readAssets } from "../weights/assets.js";
import { type ChatOptions, ChatTemplate, type Message } from "./chat-template.js";
import { checkTokenizer, checkTokenizerConfig } from "./check-tokenizer.js";
import { findStopTokens } from "./stop-tokens.js";
import { tokenizerClass } from "./named-tokens.js";
import { createTextTokenizer, type TextTokenizer } from "./text-tokenizer.js";
import { tokenDecoder } from "./token-decoder.js";
import { type JsonObject, parseTokenizerFiles, type TokenizerFiles } from "./tokenizer-files.js";
import { tokenizerOfVocabulary } from "./vocabulary-files.js";

function tokenizerJson(files: TokenizerFiles): JsonObject {
  const { tokenizer, vocabulary } = files;
  if (tokenizer !== null) return tokenizer;
  return vocabulary === null ? {} : tokenizerOfVocabulary(files, vocabulary);
}

function specialIds(json: JsonObject): ReadonlySet<number> {
  const tokens = (json["added_tokens"] ?? []) as { id: number; special?: boolean }[];
  return new Set(tokens.filter(({ special }) => special === true).map(({ id }) => id));
}

/** @param json  checked */
function largestId(json: JsonObject): number {
  const { vocab } = json["model"] as { vocab: readonly unknown[] | Record<string, number> };
  const added = (json["added_tokens"] ?? []) as { id: number }[];
  const ofVocabulary = Array.isArray(vocab) ? [vocab.length - 1] : Object.values(vocab);
  const ids = [...(ofVocabulary as number[]), ...added.map(({ id }) => id)];
  return ids.reduce((most, id) => Math.max(most, id), -1);
}

/**
 * Converts text to token ids and back, as the tokenizer files of a model folder say.
 *
 * - Special tokens inside a text are recognised; none is added.
 * - Ids without a token (a model's vocabulary may be padded) decode to nothing.
 */
export class Tokenizer {
  /** Ids that end an answer, in rising order. */
  readonly stopTokenIds: readonly number[];
  /** One more than the largest id. */
  readonly vocabularySize: number;
  readonly #text: TextTokenizer;
  readonly #decode: (tokens: readonly string[]) => string;
  /** Ids of special tokens, which are not text. */
  readonly #special: ReadonlySet<number>;
  readonly #chat: ChatTemplate | null;

  private constructor(assets: Readonly<Record<string, string>>) {
    const files = parseTokenizerFiles(assets);
    try {
      const json = tokenizerJson(files);
      this.#decode = tokenDecoder(json["decoder"]);
      this.#special = specialIds(json);
      checkTokenizerConfig(files.config, json, tokenizerClass(files) ?? "");
      this.#text = createTextTokenizer(checkTokenizer(json), files.config);
      this.vocabularySize = largestId(json) + 1;
    } catch (error) {
      if (error instanceof TokenizerError) throw error;
      throw new TokenizerError("tokenizer.json", `cannot be used: ${errorMessage(error)}`, error);
    }
    this.#chat = ChatTemplate.fromFiles(files);
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
   * Creates a tokenizer from the texts of its files.
   *
   * @param assets  file name to content; `tokenizer.json` is needed, the others are optional
   * @throws        TokenizerError naming the file
   */
  static fromAssets(assets: Readonly<Record<string, string>>): Tokenizer {
    return new Tokenizer(assets);
  }

  /** @throws TokenizerError when a part of the text has no token, or the text is too long for the library */
  encode(text: string): number[] {
    let ids: (number | null | undefined)[];
    try {
      ids = this.#text.encode(text, { add_special_tokens: false }).ids;
    } catch (error) {
      const problem = `cannot encode a text of ${text.length} characters`;
      throw new TokenizerError("tokenizer.json", `${problem}: ${errorMessage(error)}`, error);
    }
    if (ids.includes(null) || ids.includes(undefined)) {
      throw new TokenizerError(
        "tokenizer.json",
        "has no token for a part of a text, and no unk_id",
      );
    }
    return ids as number[];
  }

  decode(ids: Iterable<number>, options: { skipSpecialTokens?: boolean } = {}): string {
    const tokens: string[] = [];
    for (const id of ids) {
      const token = this.#text.id_to_token(id);
      if (token === undefined) continue;
      if (options.skipSpecialTokens === true && this.#special.has(id)) continue;
      tokens.push(token);
    }
    return this.#decode(tokens);
  }

  /** Returns the id of a token by its exact spelling, or null. */
  tokenId(token: string): number | null {
    return this.#text.token_to_id(token) ?? null;
  }

  /**
   * Renders a conversation in the format that the model was trained on.
   *
   * @throws TokenizerError when the folder has no chat template, or the template refuses the messages
   * @throws TemplateDateError when the template needs a date and none was given
   */
  renderChat(messages: readonly Message[], options: ChatOptions = {}): string {
    if (this.#chat === null) {
      throw new TokenizerError("tokenizer_config.json", "has no chat_template");
    }
    const text = this.#chat.render(messages, options);
    if (text !== "") return text;
    throw new TokenizerError("chat_template", "writes an empty text for these messages");
  }

  /** Renders a conversation ({@link renderChat}) and encodes it. */
  encodeChat(messages: readonly Message[], options: ChatOptions = {}): number[] {
    return this.encode(this.renderChat(messages, options));
  }
}
