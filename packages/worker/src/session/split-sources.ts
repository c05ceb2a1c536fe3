import type { TensorSource } from "@gumshoe/protocol";

/** Divides a vector that every source serves in whole into one range for each source. */
export function splitAmong(sources: readonly TensorSource[], elements: number): TensorSource[] {
  const edge = (n: number) => Math.floor((n * elements) / sources.length);
  return sources.map(({ address }, i) => ({ address, start: edge(i), end: edge(i + 1) }));
}
