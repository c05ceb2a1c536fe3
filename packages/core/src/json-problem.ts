/**
 * Describes an error of JSON.parse without quoting the text: Node.js quotes up to ten characters,
 * and the text may be a file that the reader of the error must not see.
 */
export function jsonProblem(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : "";
  if (message.includes("end of JSON input") || message.includes("Unterminated")) {
    return "is not JSON: it ends too early";
  }
  const position = /at position (\d+)/.exec(message)?.[1];
  return position === undefined ? "is not JSON" : `is not JSON: see character ${position}`;
}
