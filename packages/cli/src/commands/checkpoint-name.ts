import { InvalidArgumentError } from "@gumshoe/core";

/** A checkpoint of a run, as the command line names it. */
export interface NamedCheckpoint {
  readonly run: string;
  /** best, latest, or a number of iterations. */
  readonly checkpoint: string;
}

/**
 * Parses `RUN`, `RUN@best`, `RUN@latest` or `RUN@N`.
 *
 * @param field  where the text was given, for errors
 * @throws       InvalidArgumentError
 */
export function readCheckpointName(
  text: string,
  { field, otherwise }: { field: string; otherwise: "best" | "latest" },
): NamedCheckpoint {
  const [run = "", checkpoint = otherwise, ...more] = text.split("@");
  if (run !== "" && more.length === 0 && /^(best|latest|\d{1,9})$/.test(checkpoint)) {
    return { run, checkpoint };
  }
  throw new InvalidArgumentError(field, `${text} is not NAME, or NAME@best, @latest or @N`);
}
