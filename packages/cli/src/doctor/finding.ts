/** What the doctor found out about one thing. */
export interface Finding {
  readonly name: string;
  /** `problem`: Gumshoe will not work; `warning`: it works, but not as it could. */
  readonly verdict: "ok" | "warning" | "problem";
  readonly detail: string;
  /** What to do about it; null when nothing is wrong. */
  readonly advice: string | null;
}

/** Makes a finding that all is well. */
export function ok(name: string, detail: string): Finding {
  return { name, verdict: "ok", detail, advice: null };
}
