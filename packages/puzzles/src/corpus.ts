import { generateCase } from "./generate-case.js";
import { goldReply } from "./grading/replies.js";
import { type Style } from "./prompt/style.js";
import { type TierName } from "./tiers.js";

/**
 * Generates solved cases as texts of prompt and reply, for training a small tokenizer.
 *
 * @param options.seed  seed of the series, of which the first `count` cases are written
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
