/** A guessing game: the model guesses a number, and is told whether the number is higher or lower. */
export function createEnvironment({ numbers = 20 }) {
  if (!(numbers >= 2 && numbers <= 1000)) throw new Error("numbers: 2 to 1000");
  return {
    task({ rng }) {
      const low = rng.between(1, 80);
      const high = low + numbers - 1;
      const content = `I think of a number from ${low} to ${high}. Reply like "Guess: 3".`;
      return {
        messages: [{ role: "user", content }],
        answer: { low, high, number: rng.between(low, high) },
      };
    },

    /** Compares a guess with the number; fewer guesses give more reward. */
    step({ answer }, reply, { turn, state, isLast }) {
      const { low, high } = state ?? answer;
      const guess = Number(/^guess: *(\d+)/im.exec(reply)?.[1] ?? NaN);
      const metrics = { found: guess === answer.number ? 1 : 0 };
      if (guess === answer.number) return { reward: 1 - turn / 20, metrics };
      if (isLast) return { reward: 0, metrics };
      if (Number.isNaN(guess)) return say('Reply like "Guess: 3".', { low, high });
      return guess < answer.number
        ? say("Higher.", { low: Math.max(low, guess + 1), high })
        : say("Lower.", { low, high: Math.min(high, guess - 1) });
    },

    /** Halves the numbers that are left; only runs of `type: sft` need it. */
    goldReply({ answer }, { state }) {
      const { low, high } = state ?? answer;
      return `Guess: ${Math.floor((low + high) / 2)}`;
    },
  };
}

function say(content, state) {
  return { messages: [{ role: "user", content }], state };
}
