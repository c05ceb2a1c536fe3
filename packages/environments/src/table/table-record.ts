/** One record of a file. */
export interface TableRecord {
  /** Where it is, for errors, e.g. `line 3`. */
  readonly place: string;
  readonly values: Readonly<Record<string, unknown>>;
}
