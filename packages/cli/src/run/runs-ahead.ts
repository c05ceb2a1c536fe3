import { type GumshoeClient, type RunInfo } from "@gumshoe/client";

/**
 * Returns the names of the runs that come before a queued one: the running one, and those queued
 * earlier.
 */
export async function runsAhead(
  client: Pick<GumshoeClient, "list">,
  name: string,
): Promise<string[]> {
  return namesAhead(await client.list(), name);
}

/** Like {@link runsAhead}, for a list of runs; empty for a run that is not queued. */
export function namesAhead(runs: readonly RunInfo[], name: string): string[] {
  const own = runs.find((run) => run.name === name);
  if (own?.state !== "queued") return [];
  const running = runs.filter(({ state }) => state === "running");
  const waiting = runs
    .filter(({ state, submittedAt }) => state === "queued" && submittedAt < own.submittedAt)
    .sort((a, b) => a.submittedAt.getTime() - b.submittedAt.getTime());
  return [...running, ...waiting].map((run) => run.name);
}
