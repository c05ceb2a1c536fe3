import { generateCase } from "./generate-case.js";
import { goldReply } from "./grading/replies.js";
import { type Style } from "./prompt/style.js";
import { type TierName } from "./tiers.js";

/**
 * Writes solved cases, one text of prompt and reply each, such as a small tokenizer is trained on.
 *
 * @param options.seed  names the series of cases, whose first `count` are written
 */
export function* corpus(options: {
  tier: TierName;
  style: Style;
  seed: number;
  count: number;
}): Generator<string> {
  const { count, ...name } = options;
  for (let index = 0; index < count; index++) {
    const { prompt, solution } = generateCase({ ...name, index });
    yield `${prompt}\n\n${goldReply(solution)}\n`;
  }
}
