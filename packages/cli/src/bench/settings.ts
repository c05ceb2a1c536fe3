import { type ShapeName } from "./shapes.js";

/** What every bench is told. */
export interface BenchSettings {
  readonly shape: ShapeName;
  /** Null for all cores. */
  readonly threads: number | null;
  /** Time to be spent on measuring. */
  readonly seconds: number;
}
