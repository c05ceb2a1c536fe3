import type { AdapterFolder } from "./adapter-folder.js";
import { adapterScale } from "./adapter-config.js";
import { factorName } from "./adapter-layout.js";
import type { ModelFolder } from "./model-folder.js";
import type { ParameterEntry } from "./parameter-layout.js";

/**
 * Returns a function that reads elements [start, end) of a model into which an adapter is merged:
 * W + alpha / r B A. Products and sums are of float64, over ascending r, and rounded once.
 *
 * The merged model computes nearly, but not bit for bit, what the model computes with the adapter beside it.
 */
export function mergedParameters(
  base: ModelFolder,
  adapter: AdapterFolder,
): (start: number, end: number) => Promise<Float32Array> {
  return async (start, end) => {
    const values = await base.readParameters(start, end);
    for (const entry of base.layout.entries) {
      const from = Math.max(start, entry.start);
      const to = Math.min(end, entry.end);
      if (from >= to) continue;
      const part = { values: values.subarray(from - start, to - start), first: from - entry.start };
      await addProduct(adapter, entry, part);
    }
    return values;
  };
}

/** Adds the product of the factors to a part of a matrix, which begins at its element `first`. */
async function addProduct(
  adapter: AdapterFolder,
  { name, shape }: ParameterEntry,
  { values, first }: { values: Float32Array; first: number },
): Promise<void> {
  const module = name.replace(/\.weight$/, "");
  const find = (factor: "A" | "B") =>
    adapter.layout.entries.find((entry) => entry.name === factorName(module, factor));
  const [a, b] = [find("A"), find("B")];
  const [, k = 1] = shape;
  if (a === undefined || b === undefined) return;
  const { rank } = adapter.adapter;
  const scale = adapterScale(adapter.adapter);
  const [firstRow, endRow] = [Math.floor(first / k), Math.ceil((first + values.length) / k)];
  const factorA = await adapter.readParameters(a.start, a.end);
  const rowsOfB = [b.start + firstRow * rank, b.start + endRow * rank] as const;
  const factorB = await adapter.readParameters(...rowsOfB);
  for (let i = 0; i < values.length; i++) {
    const row = Math.floor((first + i) / k);
    const column = (first + i) % k;
    let sum = 0;
    for (let r = 0; r < rank; r++) {
      const left = factorB[(row - firstRow) * rank + r] as number;
      sum += left * (factorA[r * k + column] as number);
    }
    values[i] = (values[i] as number) + scale * sum;
  }
}
