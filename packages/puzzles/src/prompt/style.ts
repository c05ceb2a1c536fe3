/**
 * How a case is worded. `clear` is our own wording, which says what the original leaves unsaid;
 * `dataset` has the sentences and the order of sections of the public Temporal Clue set.
 */
export type Style = "clear" | "dataset";

/** The styles, the default first. */
export const STYLES: readonly Style[] = ["clear", "dataset"];
