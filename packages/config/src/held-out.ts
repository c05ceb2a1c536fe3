import type { RunConfig } from "./run-config.js";
import type { ReportConfig } from "./validation.js";

/** A set of tasks that are never trained on: validated on at intervals, or measured once at the end. */
export type HeldOutKind = "validation" | "report";

/** Returns the settings of a run's held-out tasks; null for none. */
export function heldOutConfig(config: RunConfig, kind: HeldOutKind): ReportConfig | null {
  return kind === "validation" ? config.validation : (config.report ?? null);
}
