import { type Model, Sampler } from "@gumshoe/engine";

import { type Figure, median } from "../figure.js";

const PREFIX_TOKENS = 1000;
const OWN_TOKENS = 20;
const NEW_TOKENS = 16;
const NUM_PROMPTS = 16;
const ROUNDS = 3;

/** Times prompts with one long prefix, such as chats with one system message, without and with prefix caching. */
export function benchPrefixCaching(model: Model, shape: string): Figure[] {
  const rounds = Array.from({ length: ROUNDS }, () => ({
    without: answersPerSecond(model, false),
    cached: answersPerSecond(model, true),
  }));
  const tokens = PREFIX_TOKENS + OWN_TOKENS;
  const figure = (name: string, values: readonly number[]) => ({
    name,
    shape: `${shape}, ${NUM_PROMPTS} prompts x ${tokens}`,
    median: median(values),
    unit: "answers/s",
  });
  return [
    figure(
      "one long prefix, no prefix caching",
      rounds.map(({ without }) => without),
    ),
    figure(
      "one long prefix, prefix caching",
      rounds.map(({ cached }) => cached),
    ),
  ];
}

/** @returns the rate of answers to prompts of which one was answered before */
function answersPerSecond(model: Model, prefixCaching: boolean): number {
  const sampler = new Sampler({ model, prefixCaching });
  try {
    sampler.add(requestOf(model, 0));
    sampler.run();
    const begunAtMs = performance.now();
    for (let i = 1; i <= NUM_PROMPTS; i++) sampler.add(requestOf(model, i));
    sampler.run();
    return (1000 * NUM_PROMPTS) / (performance.now() - begunAtMs);
  } finally {
    sampler.dispose();
  }
}

function requestOf({ config }: Model, index: number) {
  const token = (factor: number) => (_: unknown, i: number) =>
    1 + ((factor * i) % (config.vocabularySize - 1));
  return {
    id: String(index),
    promptIds: [
      ...Array.from({ length: PREFIX_TOKENS }, token(7)),
      ...Array.from({ length: OWN_TOKENS }, token(11 + index)),
    ],
    count: 1,
    temperature: 1,
    maxNewTokens: NEW_TOKENS,
    stopTokenIds: [],
    seed: [index] as const,
    earlyStop: null,
  };
}
