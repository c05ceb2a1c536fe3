/** What is shown in place of data: that they are loading, or why they are missing. */
import type { ComponentChildren } from "preact";

import type { Data } from "../api/use-data.js";

/** Draws data once they are there; a problem beside older data is a line above them. */
export function WhenLoaded<T>(props: {
  readonly data: Data<T>;
  readonly children: (value: T) => ComponentChildren;
}) {
  const { value, problem } = props.data;
  return (
    <>
      {problem !== null && problem.text !== "" && (
        <p class={`notice ${problem.kind === "away" ? "warn" : "bad"}`} role="alert">
          {problem.text}
        </p>
      )}
      {value !== null && props.children(value)}
      {value === null && problem === null && (
        <div class="loading" role="status" aria-label="Loading" />
      )}
    </>
  );
}
