/** Temporal Clue cases whose clues are known to the suspects alone, who are questioned one at a time. */
import { createEnvironment as openCases } from "@gumshoe/puzzles";

export function createEnvironment({ tier = "mini" }) {
  const casesOf = (seed) => openCases({ type: "generate", tier, style: "clear", seed });
  const cases = casesOf(1);
  return {
    task({ rng }) {
      const { messages, solution, questions, randomGuessLevel } = casesOf(rng.below(2 ** 31))
        .source()
        .task(0);
      const lines = messages[0].content.split("\n");
      const clues = lines.filter((line) => line.startsWith("- "));
      const suspects = lines[0].replace("Suspects: ", "").split(", ");
      const told = suspects.map((name, i) => ({
        name,
        clues: clues.filter((_, clue) => clue % suspects.length === i),
      }));
      const content = lines
        .filter((line) => !clues.includes(line))
        .join("\n")
        .replace("Clues:", 'The suspects know more: reply "Ask Name" to question one of them.');
      return {
        messages: [{ role: "user", content }],
        answer: { solution, questions, told },
        randomGuessLevel,
      };
    },

    /** Lets a suspect tell what they know, or grades the answers. */
    step({ answer }, reply, { state, isLast }) {
      const asked = state?.asked ?? [];
      const name = /^ask (.+?)[.?!]?\s*$/im.exec(reply)?.[1]?.toLowerCase();
      const suspect = answer.told.find((one) => one.name.toLowerCase() === name);
      if (suspect === undefined || isLast) {
        const { reward, metrics } = cases.grade(answer, reply);
        return { reward, metrics: { ...metrics, asked: asked.length } };
      }
      const content = suspect.clues.join("\n") || "I know nothing.";
      return { messages: [{ role: "user", content }], state: { asked: [...asked, suspect.name] } };
    },

    /** Questions everyone, and answers then. */
    goldReply({ answer }, { state }) {
      const asked = state?.asked ?? [];
      const next = answer.told.find(({ name }) => !asked.includes(name));
      if (next !== undefined) return `Ask ${next.name}`;
      return Object.entries(answer.solution)
        .map(([letter, text]) => `${letter}. ${text}`)
        .join("\n");
    },
  };
}
