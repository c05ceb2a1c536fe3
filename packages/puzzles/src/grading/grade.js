import { extractAnswers, extractSeedAnswer } from "./extract-answers.js";
import { normaliseAnswer } from "./normalise-answer.js";
/**
 * Scores a reply against the solution of its case.
 *
 * Never throws for a reply, whatever it holds: one without answers scores 0.
 *
 * @param solution  answer by letter, one at least
 */
export function grade(reply, solution, options = {}) {
  const verdicts =
    options.grader === "seed" ? gradeLikeSeed(reply, solution) : gradeFairly(reply, solution);
  const right = verdicts.filter(({ correct }) => correct).length;
  return {
    score: verdicts.length === 0 ? 0 : right / verdicts.length,
    allCorrect: verdicts.length > 0 && right === verdicts.length,
    questions: verdicts,
  };
}
function gradeFairly(reply, solution) {
  const answers = extractAnswers(reply);
  return Object.entries(solution).map(([letter, expected]) => {
    const given = answers.get(letter) ?? null;
    const correct = given !== null && normaliseAnswer(given) === normaliseAnswer(expected);
    return { letter, given, expected, correct };
  });
}
function gradeLikeSeed(reply, solution) {
  return Object.entries(solution).map(([letter, expected]) => {
    const given = extractSeedAnswer(reply, letter);
    const correct = given !== null && given.trim().toLowerCase() === expected.toLowerCase();
    return { letter, given, expected, correct };
  });
}
//# sourceMappingURL=grade.js.map
