import { open, stat } from "node:fs/promises";
import { join } from "node:path";

import { errorMessage } from "@gumshoe/core";
import {
  modelFileNames,
  openModelFolder,
  openTokenizer,
  parameterLayout,
  parseModelConfig,
  readAssets,
  requireEndToken,
} from "@gumshoe/engine";
import { z } from "zod";

/** Longest header of a safetensors file that is read. */
const MAX_HEADER_BYTES = 100_000_000;

/** The fields of a safetensors header that are shown. */
const Header = z.record(
  z.string(),
  z.object({ dtype: z.string(), shape: z.array(z.int().min(0)) }),
);

/** The weights of a folder. */
export interface WeightFacts {
  /** Numbers of the weights by dtype, as the files name it. */
  readonly dtypes: Readonly<Record<string, number>>;
  readonly weightBytes: number;
}

/** What a model folder holds. */
export interface ModelFacts extends WeightFacts {
  readonly folder: string;
  /** As its config names it; null where it has none. */
  readonly architecture: string | null;
  /** llama, qwen2 or qwen3; null where it is none of these. */
  readonly family: string | null;
  /** Trainable numbers; null where the shape is not understood. */
  readonly parameters: number | null;
  readonly layers: number | null;
  readonly width: number | null;
  readonly heads: number | null;
  readonly kvHeads: number | null;
  readonly vocabulary: number | null;
  /** Positions that the model knows. */
  readonly context: number | null;
  readonly tiedHead: boolean | null;
  readonly hasChatTemplate: boolean;
  /** What would not be understood, in words. */
  readonly problems: readonly string[];
}

/** Looks at a model folder; what a run would refuse is listed as a problem. */
export async function describeModel(folder: string): Promise<ModelFacts> {
  const problems: string[] = [];
  const attempt = async <T>(work: () => Promise<T> | T): Promise<T | null> => {
    try {
      return await work();
    } catch (error) {
      const problem = errorMessage(error);
      if (!problems.includes(problem)) problems.push(problem);
      return null;
    }
  };
  const assets = (await attempt(() => readAssets(folder))) ?? {};
  const text = assets["config.json"];
  const json =
    text === undefined ? null : await attempt(() => JSON.parse(text) as Record<string, unknown>);
  const config = json === null ? null : await attempt(() => parseModelConfig(json));
  if (Object.keys(assets).length > 0) {
    await attempt(async () => (await openModelFolder(folder)).close());
    await attempt(async () =>
      requireEndToken(folder, await openTokenizer({ dir: folder, assets, config })),
    );
  }
  const architectures = json?.["architectures"];
  const architecture: unknown = Array.isArray(architectures) ? architectures[0] : null;
  const weights = await readWeights(folder);
  return {
    folder,
    architecture: typeof architecture === "string" ? architecture : null,
    family: config?.modelType ?? null,
    parameters: config === null ? null : parameterLayout(config).numParameters,
    layers: config?.layers ?? null,
    width: config?.width ?? null,
    heads: config?.heads ?? null,
    kvHeads: config?.kvHeads ?? null,
    vocabulary: config?.vocabularySize ?? null,
    context: config?.maxPositions ?? null,
    tiedHead: config?.tiedHead ?? null,
    ...weights,
    hasChatTemplate:
      assets["chat_template.jinja"] !== undefined ||
      /"chat_template"/.test(assets["tokenizer_config.json"] ?? ""),
    problems,
  };
}

/** Reads which dtypes the weights have; opening the folder reports what cannot be read. */
export async function readWeights(folder: string): Promise<WeightFacts> {
  const dtypes: Record<string, number> = {};
  let weightBytes = 0;
  const { weights } = await modelFileNames(folder).catch(() => ({ weights: [] as string[] }));
  for (const name of weights.filter((one) => one.endsWith(".safetensors"))) {
    const file = join(folder, name);
    weightBytes += (await stat(file).catch(() => null))?.size ?? 0;
    for (const { dtype, shape } of await readHeader(file).catch(() => [])) {
      dtypes[dtype] = (dtypes[dtype] ?? 0) + shape.reduce((product, size) => product * size, 1);
    }
  }
  return { dtypes, weightBytes };
}

async function readHeader(file: string): Promise<{ dtype: string; shape: number[] }[]> {
  const handle = await open(file, "r");
  try {
    const { buffer: length } = await handle.read(Buffer.alloc(8), 0, 8, 0);
    const bytes = Number(length.readBigUInt64LE());
    if (bytes > MAX_HEADER_BYTES) return [];
    const { buffer } = await handle.read(Buffer.alloc(bytes), 0, bytes, 8);
    const json = JSON.parse(buffer.toString("utf8")) as Record<string, unknown>;
    const { __metadata__: _, ...header } = json;
    return Object.values(Header.parse(header));
  } finally {
    await handle.close();
  }
}
