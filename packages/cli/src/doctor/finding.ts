/** The result of one check. */
export interface Finding {
  readonly name: string;
  /** `problem`: Gumshoe does not work; `warning`: it works, but not optimally. */
  readonly verdict: "ok" | "warning" | "problem";
  readonly detail: string;
  /** What to do about it; null when the check passed. */
  readonly advice: string | null;
}

/** Returns a finding without a problem. */
export function ok(name: string, detail: string): Finding {
  return { name, verdict: "ok", detail, advice: null };
}
