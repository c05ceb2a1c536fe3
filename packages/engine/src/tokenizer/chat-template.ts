import { errorMessage } from "@gumshoe/core";
import { Template } from "@huggingface/jinja";

import { TokenizerError } from "../errors.js";
import { tokenText, type TokenizerFiles } from "./tokenizer-files.js";

/** One turn of a conversation. */
export interface Message {
  /** `system`, `user`, `assistant` or what else the template knows. */
  readonly role: string;
  readonly content: string;
}

/** Tokens that a template may name as variables. */
const NAMED_TOKENS = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token"] as const;

/** The Jinja template by which a model's conversations are written. */
export class ChatTemplate {
  private constructor(
    readonly source: string,
    private readonly template: Template,
    private readonly tokens: Readonly<Record<string, string>>,
  ) {}

  /** Returns null when the files have no template. */
  static fromFiles(files: TokenizerFiles): ChatTemplate | null {
    const source = findTemplate(files);
    if (source === null) return null;
    const tokens: Record<string, string> = {};
    for (const name of NAMED_TOKENS) {
      const text = tokenText(files.config[name]);
      if (text !== null) tokens[name] = text;
    }
    try {
      return new ChatTemplate(source, new Template(source), tokens);
    } catch (error) {
      throw new TokenizerError("chat_template", `is no template: ${errorMessage(error)}`, error);
    }
  }

  /** @throws TokenizerError when the template refuses the messages */
  render(messages: readonly Message[], addGenerationPrompt: boolean): string {
    try {
      return this.template.render({
        ...this.tokens,
        messages,
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (error) {
      const problem = `cannot write these messages: ${errorMessage(error)}`;
      throw new TokenizerError("chat_template", problem, error);
    }
  }
}

/** Finds a model's template: a file of its own, a field, or the default of a list of named ones. */
export function findTemplate(files: TokenizerFiles): string | null {
  if (files.chatTemplate !== null) return files.chatTemplate;
  const field = files.config["chat_template"] ?? null;
  if (field === null || typeof field === "string") return field;
  if (Array.isArray(field)) {
    const named = field as ({ name?: unknown; template?: unknown } | null)[];
    const template = named.find((entry) => entry?.name === "default")?.template;
    if (typeof template === "string") return template;
  }
  throw new TokenizerError("chat_template", "is neither a text nor a list with a default");
}
