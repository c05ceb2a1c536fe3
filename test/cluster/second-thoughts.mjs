/** Cases that may be answered again, with a word about each wrong answer. A worker is not to hurry through it. */
import { createEnvironment as openCases } from "@gumshoe/puzzles";

export function createEnvironment() {
  const casesOf = (seed) => openCases({ type: "generate", tier: "mini", style: "clear", seed });
  const cases = casesOf(1);
  return {
    task({ rng }) {
      const { messages, solution, questions, randomGuessLevel } = casesOf(rng.below(1e9))
        .source()
        .task(0);
      return { messages, answer: { solution, questions }, randomGuessLevel };
    },

    async step({ answer }, reply, { turn, state, isLast }) {
      const { reward } = cases.grade(answer, reply);
      const best = Math.max(reward, state?.best ?? 0);
      // The order in which steps come back differs from the order in which they are asked for.
      await new Promise((resolve) => setTimeout(resolve, (reply.length * 7) % 40));
      if (reward === 1 || isLast) return { reward: best - turn / 8, metrics: { best } };
      const said = `${Math.round(reward * answer.questions.length)} right, ${reply.length} letters. Again?`;
      return { messages: [{ role: "user", content: said }], state: { best } };
    },
  };
}
