import { TokenizerError } from "../errors.js";
import type { JsonObject } from "./tokenizer-files.js";

/** @throws TokenizerError about `tokenizer.json` */
export function refuse(problem: string): never {
  throw new TokenizerError("tokenizer.json", problem);
}

/** Returns a part that must be an object. @throws TokenizerError naming it */
export function partOf(value: unknown, name: string): JsonObject {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as JsonObject;
  }
  return refuse(`has no ${name}`);
}
