import { errorMessage } from "@gumshoe/core";

import { TemplateDateError, TokenizerError } from "../errors.js";
import { Template } from "../template/template.js";
import { namedTokens } from "./named-tokens.js";
import type { TokenizerFiles } from "./tokenizer-files.js";

/** One message of a conversation. */
export interface Message {
  /** `system`, `user`, `assistant`, or another role that the template knows. */
  readonly role: string;
  readonly content: string;
}

/** Options for rendering a conversation. */
export interface ChatOptions {
  /** Whether to end with the opening of the model's turn; default true. */
  readonly addGenerationPrompt?: boolean;
  /** Variables of the template, such as `enable_thinking`: JSON values. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** For `strftime_now`, `YYYY-MM-DD`; without it, a template that needs the date is refused. */
  readonly date?: string | null;
}

/** Variables that rendering itself sets. */
const OWN_VARIABLES = ["messages", "add_generation_prompt"] as const;

/** The Jinja template that renders conversations for a model. */
export class ChatTemplate {
  private constructor(
    private readonly template: Template,
    private readonly tokens: Readonly<Record<string, string>>,
  ) {}

  /** Returns null if the files contain no template. */
  static fromFiles(files: TokenizerFiles): ChatTemplate | null {
    const source = findTemplate(files);
    if (source === null) return null;
    try {
      return new ChatTemplate(Template.parse(source), namedTokens(files));
    } catch (error) {
      const [file, what] =
        files.chatTemplate === null
          ? ["tokenizer_config.json", "chat_template is no template"]
          : ["chat_template.jinja", "is no template"];
      throw new TokenizerError(file, `${what}: ${errorMessage(error)}`, error);
    }
  }

  /**
   * @throws TokenizerError when the template refuses the messages
   * @throws TemplateDateError when it asks for a date that was not given
   */
  render(messages: readonly Message[], options: ChatOptions): string {
    const { addGenerationPrompt = true, variables = {}, date = null } = options;
    for (const name of OWN_VARIABLES) {
      if (Object.hasOwn(variables, name)) {
        throw new TokenizerError("chat_template", `cannot be given the variable ${name}`);
      }
    }
    const given = {
      ...this.tokens,
      tools: null,
      documents: null,
      ...variables,
      messages,
      add_generation_prompt: addGenerationPrompt,
    };
    try {
      return this.template.render(given, date);
    } catch (error) {
      if (error instanceof TemplateDateError) throw error;
      const problem = `cannot write these messages: ${errorMessage(error)}`;
      throw new TokenizerError("chat_template", problem, error);
    }
  }
}

/** Finds a model's template: a file of its own, a config field, or the default of a list of named templates. */
export function findTemplate(files: TokenizerFiles): string | null {
  if (files.chatTemplate !== null) return files.chatTemplate;
  const field = files.config["chat_template"] ?? null;
  if (field === null || typeof field === "string") return field;
  if (Array.isArray(field)) {
    const named = field as ({ name?: unknown; template?: unknown } | null)[];
    const template = named.findLast((entry) => entry?.name === "default")?.template;
    if (typeof template === "string") return template;
  }
  const problem = "chat_template is neither a text nor a list with a default";
  throw new TokenizerError("tokenizer_config.json", problem);
}
