import { InvalidArgumentError } from "@gumshoe/core";

import { parseRunConfig } from "../../packages/config/src/parse.js";

/** Returns why a config is refused; "no problem" when it is not. */
export function configProblem(text: string): string {
  try {
    parseRunConfig(text);
  } catch (thrown) {
    if (thrown instanceof InvalidArgumentError) return thrown.message;
    throw thrown;
  }
  return "no problem";
}
