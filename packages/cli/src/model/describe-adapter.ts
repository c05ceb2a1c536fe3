import { errorMessage } from "@gumshoe/core";
import { openModelFolder, readBaseName } from "@gumshoe/engine";
import { openMatchingAdapter } from "@gumshoe/serve";

import { findBaseFolder } from "./adapted-model.js";
import { readWeights, type WeightFacts } from "./describe-model.js";

/** What an adapter folder holds. */
export interface AdapterFacts extends WeightFacts {
  readonly folder: string;
  readonly kind: "adapter";
  /** Folder or hub name of the base model; null where it names none. */
  readonly base: string | null;
  /** Whether the base model is on this machine, so that the adapter could be compared with it. */
  readonly isBaseHere: boolean;
  readonly rank: number | null;
  readonly alpha: number | null;
  readonly targets: readonly string[] | null;
  /** Its own numbers; null where it is not understood. */
  readonly parameters: number | null;
  /** What would not be understood, in words. */
  readonly problems: readonly string[];
}

/** Looks at an adapter folder, and compares it with its base model if that is on this machine. */
export async function describeAdapter(folder: string): Promise<AdapterFacts> {
  const unknown = { base: null, isBaseHere: false, rank: null, alpha: null };
  const facts = { folder, kind: "adapter", ...(await readWeights(folder)) } as const;
  try {
    const { name } = await readBaseName(folder);
    const baseFolder = await findBaseFolder(folder);
    const found = baseFolder === null ? null : await readAdapter(folder, baseFolder);
    const nothing = { rank: null, alpha: null, targets: null, parameters: null };
    const isBaseHere = baseFolder !== null;
    return { ...facts, base: name, isBaseHere, ...(found ?? nothing), problems: [] };
  } catch (error) {
    const problems = [errorMessage(error)];
    return { ...facts, ...unknown, targets: null, parameters: null, problems };
  }
}

async function readAdapter(folder: string, baseFolder: string) {
  const base = await openModelFolder(baseFolder);
  try {
    const opened = await openMatchingAdapter(folder, base);
    await opened.close();
    return { ...opened.adapter, parameters: opened.layout.numParameters };
  } finally {
    await base.close();
  }
}
