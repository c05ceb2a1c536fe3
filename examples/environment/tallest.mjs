const NAMES = ["Ada", "Bruno", "Clara", "Dmitri", "Edith", "Farid", "Greta"];

export function createEnvironment({ people = 4 }) {
  if (!(people >= 2 && people <= NAMES.length)) throw new Error(`people: 2 to ${NAMES.length}`);
  return {
    /** Makes a task: a prompt, and the data for grading replies to it. */
    task({ rng }) {
      const order = rng.shuffle(NAMES).slice(0, people); // the tallest first
      const clues = order.slice(1).map((name, i) => `${order[i]} is taller than ${name}.`);
      const question = 'Who is the tallest, who the shortest? Answer like "Tallest: Name".';
      return {
        messages: [{ role: "user", content: [...rng.shuffle(clues), question].join("\n") }],
        answer: { tallest: order.at(0), shortest: order.at(-1) },
        randomGuessLevel: 1 / people,
      };
    },

    /** Scores a reply. */
    grade({ answer }, reply) {
      const said = (word) => new RegExp(`^${word}: *(\\w+)`, "im").exec(reply)?.[1];
      const right = ["tallest", "shortest"].filter((word) => said(word) === answer[word]);
      return { reward: right.length / 2, metrics: { allCorrect: right.length === 2 ? 1 : 0 } };
    },

    /** Writes the right reply; only runs of `type: sft` need it. */
    goldReply: ({ answer }) => `Tallest: ${answer.tallest}\nShortest: ${answer.shortest}`,
  };
}
