/**
 * Limits of a YAML text, checked before it is parsed.
 *
 * The yaml library's parser collects errors instead of stopping at the first, takes quadratic time
 * for some of them, and recurses as deep as the text is nested. Its lexer is linear and a
 * generator: counting tokens stops at the first one beyond the limit.
 */
import { InvalidArgumentError } from "@gumshoe/core";
import { Lexer } from "yaml";

/** Longest config text, in characters: configs are written by hand. */
const MAX_CHARACTERS = 64 * 1024;
/** Most tokens, not counting spaces and line ends: a long config has a thousand. */
const MAX_TOKENS = 5000;
/** Most anchors, aliases and tags: configs need none. */
const MAX_REFERENCES = 100;
/** Deepest nesting within [ ] and { }, and most `-` and `?` in one line. */
const MAX_DEPTH = 20;

/** @throws InvalidArgumentError when a config text exceeds the limits */
export function checkYamlLimits(text: string): void {
  if (text.length > MAX_CHARACTERS) refuse(`is longer than ${MAX_CHARACTERS} characters`);
  let tokens = 0;
  let references = 0;
  let depth = 0;
  let indicators = 0;
  for (const token of new Lexer().lex(text)) {
    const first = token[0] ?? "";
    if (first === "\n" || first === "\r") indicators = 0;
    if (token.trim() === "") continue;
    tokens += 1;
    if (tokens > MAX_TOKENS) refuse(`has more than ${MAX_TOKENS} words, fields and items`);
    if (first === "&" || first === "*" || first === "!") references += 1;
    if (references > MAX_REFERENCES) {
      refuse(`has more than ${MAX_REFERENCES} anchors, aliases and tags`);
    }
    if (token === "-" || token === "?") indicators += 1;
    if (token === "[" || token === "{") depth += 1;
    if (token === "]" || token === "}") depth -= 1;
    if (depth < 0) refuse(`is not YAML: there is a ${token} without its beginning`);
    if (depth > MAX_DEPTH || indicators > MAX_DEPTH) {
      refuse(`is nested deeper than ${MAX_DEPTH} levels`);
    }
  }
}

function refuse(problem: string): never {
  throw new InvalidArgumentError("config", problem);
}
