import { type GumshoeClient, type RunInfo } from "@gumshoe/client";

/** Names the runs that are done before a queued one: the one that is running, then those that wait longer. */
export async function runsAhead(
  client: Pick<GumshoeClient, "list">,
  name: string,
): Promise<string[]> {
  return namesAhead(await client.list(), name);
}

/** As {@link runsAhead}, of a list of runs; none for a run that is not queued. */
export function namesAhead(runs: readonly RunInfo[], name: string): string[] {
  const own = runs.find((run) => run.name === name);
  if (own?.state !== "queued") return [];
  const running = runs.filter(({ state }) => state === "running");
  const waiting = runs
    .filter(({ state, submittedAt }) => state === "queued" && submittedAt < own.submittedAt)
    .sort((a, b) => a.submittedAt.getTime() - b.submittedAt.getTime());
  return [...running, ...waiting].map((run) => run.name);
}
