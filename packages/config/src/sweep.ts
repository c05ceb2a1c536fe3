import { createHash } from "node:crypto";

import { InvalidArgumentError } from "@gumshoe/core";
import { z } from "zod";

import { PathText, RunName } from "./fields.js";
import type { FieldValue } from "./set-fields.js";

/** Most runs of a sweep. */
const MAX_RUNS = 256;
/** Characters of the part of a run's name that identifies its values. */
const ID_LENGTH = 6;

const FieldName = z
  .string()
  .regex(/^[A-Za-z]\w*(?:\.\w+)*$/, "must be a field of the config, such as optimizer.lr");

/** A sweep: runs of one config that differ in some fields. */
export const SweepConfig = z
  .strictObject({
    name: RunName.describe("the runs are called <name>-<id>; default: the file's name"),
    config: PathText.describe("run config that all runs start from"),
    set: z.record(FieldName, z.json()).default({}).describe("fields that all runs change"),
    grid: z
      .record(FieldName, z.array(z.json()).min(1))
      .default({})
      .describe("values by field: every combination is a run"),
    runs: z
      .array(z.record(FieldName, z.json()))
      .default([])
      .describe("further runs: their values by field"),
    metric: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .describe(
        "metric of metrics.jsonl that ranks the runs; null for the greedy reward of the validation, or what there is",
      ),
  })
  .refine(({ grid, runs }) => Object.keys(grid).length + runs.length > 0, {
    path: ["grid"],
    message: "is missing, and so is runs: one of them must name values",
  });
/** A sweep: runs of one config that differ in some fields. */
export type SweepConfig = z.infer<typeof SweepConfig>;

/** A run of a sweep. */
export interface SweepRun {
  /** The sweep's name and an id of the values: it stays the same when other runs are added. */
  readonly name: string;
  /** The values in which it differs from the others. */
  readonly values: Readonly<Record<string, unknown>>;
  /** All fields that it sets. */
  readonly set: readonly FieldValue[];
}

/**
 * Lists the runs of a sweep: the combinations of the grid, of which the last field changes fastest,
 * then the runs that are named one by one.
 *
 * @throws InvalidArgumentError when two runs are the same, or there are too many
 */
export function sweepRuns({ name, set, grid, runs }: SweepConfig): SweepRun[] {
  const size = Object.values(grid).reduce((product, values) => product * values.length, 1);
  if (size + runs.length > MAX_RUNS) {
    throw new InvalidArgumentError("grid", `makes ${size} runs; at most ${MAX_RUNS} are allowed`);
  }
  const all = [...combinations(grid), ...runs];
  const names = new Map<string, number>();
  return all.map((values, index) => {
    const fields = { ...set, ...values };
    const id = idOf(fields);
    const twin = names.get(id);
    if (twin !== undefined) {
      const problem = `run ${index + 1} has the same values as run ${twin + 1}`;
      throw new InvalidArgumentError(index < size ? "grid" : "runs", problem);
    }
    names.set(id, index);
    const entries = Object.entries(fields).map(([field, value]) => ({ field, value }));
    const prefix = name.slice(0, 63 - ID_LENGTH - 1);
    return { name: `${prefix}-${id}`, values, set: entries };
  });
}

function combinations(grid: SweepConfig["grid"]): Record<string, unknown>[] {
  if (Object.keys(grid).length === 0) return [];
  let all: Record<string, unknown>[] = [{}];
  for (const [field, values] of Object.entries(grid)) {
    all = all.flatMap((before) => values.map((value) => ({ ...before, [field]: value })));
  }
  return all;
}

function idOf(fields: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
  const hash = createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
  return hash.slice(0, ID_LENGTH);
}
