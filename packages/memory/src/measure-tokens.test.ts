import { checkRunConfig } from "@gumshoe/config";
import { Tokenizer } from "@gumshoe/engine";
import { openEnvironment } from "@gumshoe/environments";
import { goldReply, tracedReply } from "@gumshoe/puzzles";
import { expect, test } from "vitest";

import { ROOKIE } from "../../../test/support/rookie.js";
import { measureTokens } from "./measure-tokens.js";

/** Returns the tokens of the longest example, with a function for its reply, as the plan counts them and by hand. */
async function examples(
  answers: object,
  reply: (task: { prompt: string; solution: Record<string, string> }) => string,
): Promise<{ planned: number | undefined; byHand: number }> {
  const source = { type: "generate", tier: "mini", seed: 5 };
  const config = checkRunConfig({
    name: "taught",
    type: "sft",
    model: ROOKIE,
    examples: { source, answers },
  });
  const tokenizer = await Tokenizer.load(ROOKIE);
  const environment = await openEnvironment(config, "train");
  const tokens = await measureTokens(config, tokenizer, { training: [environment], heldOut: [] });
  const tasks = await Promise.all([0, 1, 2, 3].map((index) => environment.source().task(index)));
  const lengths = tasks.map((task) => {
    const { solution } = task as unknown as { solution: Record<string, string> };
    const prompt = task.messages.at(-1)?.content ?? "";
    const text = tokenizer.encode(reply({ prompt, solution }));
    return tokenizer.encodeChat(task.messages).length + text.length + 1;
  });
  await environment.close();
  return { planned: tokens?.example ?? undefined, byHand: Math.max(...lengths) };
}

test("an example is as long as the reply that is trained on: the answers, a deduction, or a part of it", async () => {
  const gold = await examples({ type: "gold" }, ({ solution }) => goldReply(solution));
  const traced = await examples({ type: "trace" }, (task) => tracedReply(task));
  const short = { maxLines: 1 };
  const cut = await examples({ type: "trace", ...short }, (task) => tracedReply(task, short));
  for (const { planned, byHand } of [gold, traced, cut]) expect(planned).toBe(byHand);
  expect(traced.byHand).toBeGreaterThan(cut.byHand);
  expect(cut.byHand).toBeGreaterThan(gold.byHand);
});
