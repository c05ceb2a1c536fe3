/**
 * All parsers of input from other programs or people. Each has a name and `open()`, which returns
 * the `words` of its language, `make(mutator)` for one input, `read(input)` that parses it, and
 * optionally `close()`, and `isFenced` for one that gives up by itself after a time.
 */
import { COMMANDS } from "./commands.mjs";
import { CONFIGS } from "./configs.mjs";
import { ENVIRONMENTS } from "./environments.mjs";
import { EVALUATIONS } from "./evaluations.mjs";
import { LOGS } from "./logs.mjs";
import { MODEL_FILES } from "./model-files.mjs";
import { PORTS } from "./ports.mjs";
import { PUZZLES } from "./puzzles.mjs";
import { RECORDS } from "./records.mjs";
import { REQUESTS } from "./requests.mjs";
import { RESPONSES } from "./responses.mjs";
import { SETTINGS } from "./settings.mjs";
import { TABLES } from "./tables.mjs";
import { TEMPLATES } from "./templates.mjs";
import { TOKENIZERS } from "./tokenizers.mjs";

export const PARSERS = [
  ...CONFIGS,
  ...PUZZLES,
  ...EVALUATIONS,
  ...TEMPLATES,
  ...TOKENIZERS,
  ...MODEL_FILES,
  ...RECORDS,
  ...REQUESTS,
  ...RESPONSES,
  ...PORTS,
  ...LOGS,
  ...ENVIRONMENTS,
  ...TABLES,
  ...SETTINGS,
  ...COMMANDS,
];
