/**
 * The wording of a case. `clear` is this project's own wording, which states what the original
 * leaves implicit; `dataset` has the sentences and section order of the public Temporal Clue set.
 */
export type Style = "clear" | "dataset";

/** The styles, the default first. */
export const STYLES: readonly Style[] = ["clear", "dataset"];
