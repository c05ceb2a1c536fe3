import { generateCase } from "./generate-case.js";
import { goldReply } from "./grading/replies.js";
import type { Style } from "./prompt/style.js";
import { tracedReply } from "./trace/trace-text.js";
import type { TierName } from "./tiers.js";

/**
 * Generates solved cases as texts of prompt and reply, for training a small tokenizer.
 *
 * @param options.traced  whether the replies reason before they answer; false by default
 * @param options.seed  seed of the series, of which the first `count` cases are written
 */
export function* corpus(options: {
  tier: TierName;
  style: Style;
  seed: number;
  count: number;
  traced?: boolean;
}): Generator<string> {
  const { count, traced = false, ...name } = options;
  for (let index = 0; index < count; index++) {
    const made = generateCase({ ...name, index });
    yield `${made.prompt}\n\n${traced ? tracedReply(made) : goldReply(made.solution)}\n`;
  }
}
