/** The prompt of a task and its right answer. */
import { LongText } from "../text/long-text.js";

/** Draws prompt and right answer side by side. */
export function TaskCards({
  prompt,
  solution,
}: {
  readonly prompt: string;
  readonly solution: unknown;
}) {
  const right = solutionText(solution);
  return (
    <div class="columns">
      <section class="card prompt">
        <header>
          <h2>Prompt</h2>
        </header>
        <div class="body" tabIndex={0} role="group" aria-label="Prompt">
          {prompt === "" ? <p class="muted">Not known any more</p> : <LongText text={prompt} />}
        </div>
      </section>
      {right !== null && (
        <section class="card prompt">
          <header>
            <h2>Right answer</h2>
          </header>
          <div class="body" tabIndex={0} role="group" aria-label="Right answer">
            <LongText text={right} />
          </div>
        </section>
      )}
    </div>
  );
}

/** Writes a right answer as text: a list where it is an object, else JSON. */
function solutionText(solution: unknown): string | null {
  if (solution === null || solution === undefined) return null;
  if (typeof solution === "string") return solution;
  if (typeof solution !== "object" || Array.isArray(solution))
    return JSON.stringify(solution, null, 2);
  return Object.entries(solution)
    .map(([key, value]) => `${key}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join("\n");
}
