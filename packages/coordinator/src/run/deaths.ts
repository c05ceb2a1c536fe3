/**
 * Counts the worker deaths that keep a run from making progress, from the run's ledger.
 *
 * - A death counts if the run had work for the worker's role, and the worker began that work after the previous
 *   death that counted. Workers that are killed together, for example by a reboot of their machine, count once.
 * - Any progress of the run resets all counts, and so does submitting the run again. Lanes are progress too: a
 *   death at a later lane than all deaths before it counts as the first at its place.
 */
import type { RunEventBody, RunEventOf } from "@gumshoe/protocol";

/** Consecutive deaths of one role after which a run is stuck. */
const MAX_DEATHS = 3;

/** Deaths of one role since the last progress. */
export interface RoleDeaths {
  count: number;
  /** When the last one was recorded, in milliseconds since the epoch. */
  lastAtMs: number;
  /** Lanes done since the first update, at the death that got furthest. */
  lanesDone: number;
  workerId: string;
  /** Job of the last one; empty if it had none. */
  job: string;
  /** How the last one ended, in words; null if no supervisor reported it. */
  cause: string | null;
}

/** Deaths since the last progress, by role. */
export type Deaths = Map<string, RoleDeaths>;

/** Updates the counts with the next event of the ledger. */
export function addToDeaths(deaths: Deaths, body: RunEventBody, atMs: number): void {
  switch (body.type) {
    case "worker-lost":
      takeLoss(deaths, body, atMs);
      return;
    case "worker-ended": {
      const role = deaths.get(body.role);
      if (role?.workerId === body.workerId) role.cause = body.cause;
      return;
    }
    case "run-submitted":
    case "group-done":
    case "iteration-sampled":
    case "update-done":
    case "validation-done":
    case "report-done":
    case "iteration-done":
      deaths.clear();
      return;
    default:
  }
}

function takeLoss(deaths: Deaths, lost: RunEventOf<"worker-lost">, atMs: number): void {
  const { role, sinceMs, workerId, job, cause = null } = lost;
  const before = deaths.get(role);
  if (sinceMs === undefined || (before !== undefined && sinceMs < before.lastAtMs)) return;
  const { lanesDone = 0 } = lost;
  const isFurther = before !== undefined && lanesDone > before.lanesDone;
  const count = isFurther ? 1 : (before?.count ?? 0) + 1;
  const furthest = Math.max(lanesDone, before?.lanesDone ?? 0);
  deaths.set(role, { count, lastAtMs: atMs, lanesDone: furthest, workerId, job, cause });
}

/** Returns the role whose deaths make the run stuck, with its counts; null if there is none. */
export function stuckRole(deaths: Deaths): { role: string; deaths: RoleDeaths } | null {
  for (const [role, one] of deaths) {
    if (one.count >= MAX_DEATHS) return { role, deaths: one };
  }
  return null;
}
