import { grade, type GraderName } from "./grade.js";
import { normaliseAnswer } from "./normalise-answer.js";
import { goldReply } from "./replies.js";

/**
 * Writes the reply that most replies agree on, question by question; of answers with equally many
 * votes, the one that was given first. A question that no reply answers is left out.
 *
 * @param solution  its letters are the questions
 */
export function voteReply(
  replies: readonly string[],
  solution: Readonly<Record<string, string>>,
  grader: GraderName,
): string {
  const ballots = new Map(Object.keys(solution).map((letter) => [letter, new Ballot()]));
  for (const reply of replies) {
    for (const { letter, given } of grade(reply, solution, { grader }).questions) {
      if (given !== null) ballots.get(letter)?.add(given);
    }
  }
  const winners = [...ballots].flatMap(([letter, ballot]): [string, string][] => {
    const winner = ballot.winner();
    return winner === null ? [] : [[letter, winner]];
  });
  return goldReply(Object.fromEntries(winners));
}

/** The answers to one question; answers that differ in spelling alone are one. */
class Ballot {
  readonly #votes = new Map<string, { readonly given: string; count: number }>();

  add(given: string): void {
    const key = normaliseAnswer(given);
    const entry = this.#votes.get(key);
    if (entry === undefined) this.#votes.set(key, { given, count: 1 });
    else entry.count++;
  }

  winner(): string | null {
    const all = [...this.#votes.values()];
    const most = Math.max(0, ...all.map(({ count }) => count));
    return all.find(({ count }) => count === most)?.given ?? null;
  }
}
