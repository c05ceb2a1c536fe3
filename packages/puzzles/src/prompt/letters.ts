/** Returns the letter of a question: A for the first. */
export function letterOf(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}
