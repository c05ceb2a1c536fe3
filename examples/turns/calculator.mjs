/** Sums that are easier with a calculator, which the model may use as often as the run's limit of turns allows. */
export function createEnvironment({ digits = 3 }) {
  const least = 10 ** (digits - 1);
  return {
    task({ rng }) {
      const [a, b, c] = [1, 2, 3].map(() => rng.between(least, 10 * least - 1));
      const content =
        `What is ${a} * ${b} + ${c}? Reply "Calculate: 2 * 3" to use the calculator, ` +
        'or "Answer: 6" to answer.';
      return { messages: [{ role: "user", content }], answer: { a, b, c } };
    },

    /** Calculates, or grades an answer. */
    step({ answer: { a, b, c } }, reply, { state, isLast }) {
      const uses = state?.uses ?? 0;
      const sum = /^calculate: *(\d{1,12}) *([-+*]) *(\d{1,12})\s*$/im.exec(reply);
      if (sum === null || isLast) {
        const given = /^answer: *(-?\d+)/im.exec(reply)?.[1];
        const isRight = given === String(a * b + c);
        return {
          reward: isRight ? 1 : 0,
          metrics: { uses, answered: given === undefined ? 0 : 1 },
        };
      }
      const result = String(calculate(sum));
      // The state has what `goldReply` needs: it does not see the messages.
      return { messages: [{ role: "tool", content: result }], state: { uses: uses + 1, result } };
    },

    goldReply({ answer: { a, b, c } }, { turn, state }) {
      if (turn === 0) return `Calculate: ${a} * ${b}`;
      return turn === 1 ? `Calculate: ${state.result} + ${c}` : `Answer: ${state.result}`;
    },
  };
}

function calculate([, left, operator, right]) {
  const [x, y] = [BigInt(left), BigInt(right)];
  if (operator === "*") return x * y;
  return operator === "+" ? x + y : x - y;
}
