import { hashJson, InvalidArgumentError, sha256 } from "@gumshoe/core";
import { heldOutConfig, type RunConfig, type TaskSourceConfig } from "@gumshoe/config";
import type { GroupKind } from "@gumshoe/protocol";
import { createEnvironment, type GraderName } from "@gumshoe/puzzles";

import type { RewardWeights } from "./module/check-grade.js";
import { fileEnvironment } from "./file-environment.js";
import { httpEnvironment } from "./http/http-environment.js";
import { mixEnvironment } from "./mix-environment.js";
import { moduleEnvironment } from "./module-environment.js";
import { splitRecords } from "./read-data-file.js";
import { readDataset } from "./read-dataset.js";
import { type EnvironmentPart, ownEnvironment, type RunEnvironment } from "./run-environment.js";

/** A source of tasks, as named by a config. */
export interface NamedSource {
  /** Path of the field, e.g. `tasks.source`, for errors. */
  readonly field: string;
  readonly source: TaskSourceConfig;
  readonly grader: GraderName;
  /** Weights of the rewards of a grade, by name; null or absent where each has weight 1. */
  readonly weights?: RewardWeights | null;
}

/**
 * Opens the environment of a run's training, validation or report tasks: reads the file or loads the module
 * that the config names. The caller must close it.
 *
 * @returns null for a run without such tasks
 * @throws  InvalidArgumentError or ModuleError naming the field, the file and the line
 */
export async function openEnvironment(config: RunConfig, kind: "train"): Promise<RunEnvironment>;
export async function openEnvironment(
  config: RunConfig,
  kind: GroupKind,
): Promise<RunEnvironment | null>;
export async function openEnvironment(
  config: RunConfig,
  kind: GroupKind,
): Promise<RunEnvironment | null> {
  const named = namedSource(config, kind);
  return named === null ? null : openSource(named);
}

/**
 * Opens the environment of a source: reads the file or loads the module that it names. The caller
 * must close it.
 *
 * @throws InvalidArgumentError or ModuleError naming the field, the file and the line
 */
export async function openSource(named: NamedSource): Promise<RunEnvironment> {
  const { field, source, grader, weights = null } = named;
  switch (source.type) {
    case "generate":
    case "zebra":
      return ownEnvironment(createEnvironment(source, { grader }), hashJson([source, grader]));
    case "dataset":
      return datasetEnvironment(field, source, grader);
    case "module": {
      const { module: file, seed, options, limits } = source;
      const place = { field: `${field}.module`, file, seed, options, limits, weights };
      return moduleEnvironment(place);
    }
    case "file":
      return fileEnvironment({ field, source, weights });
    case "http":
      return httpEnvironment({ field, source, weights });
    case "mix":
      return openMix(field, source.sources, { grader, weights });
    default:
      return source satisfies never;
  }
}

async function openMix(
  field: string,
  sources: Extract<TaskSourceConfig, { type: "mix" }>["sources"],
  grading: Pick<NamedSource, "grader" | "weights">,
): Promise<RunEnvironment> {
  const parts: EnvironmentPart[] = [];
  try {
    for (const [index, { name, weight, source }] of sources.entries()) {
      const place = `${field}.sources.${index}.source`;
      const environment = await openSource({ field: place, source, ...grading });
      parts.push({ name, weight, environment });
    }
    checkMix(`${field}.sources`, parts);
    return mixEnvironment(parts);
  } catch (error) {
    await Promise.all(parts.map(({ environment }) => environment.close()));
    throw error;
  }
}

/** A judge compares the replies of a group when all are there; a conversation is graded as it ends. */
function checkMix(field: string, parts: readonly EnvironmentPart[]): void {
  const judge = parts.find(({ environment }) => environment.hasJudge);
  const turns = parts.find(({ environment }) => environment.step !== undefined);
  if (judge === undefined || turns === undefined) return;
  const problem = `mixes ${judge.name}, which grades whole groups, with ${turns.name}, whose tasks have several turns`;
  throw new InvalidArgumentError(field, problem);
}

async function datasetEnvironment(
  field: string,
  { file, split }: Extract<TaskSourceConfig, { type: "dataset" }>,
  grader: GraderName,
): Promise<RunEnvironment> {
  const { records, bytes } = await readDataset(`${field}.file`, file);
  const environment = createEnvironment(
    { type: "dataset", records: splitRecords(records, { field, file, split }) },
    { grader },
  );
  return ownEnvironment(environment, hashJson([sha256(bytes), split, grader]));
}

function namedSource(config: RunConfig, kind: GroupKind): NamedSource | null {
  const grader = config.type === "grpo" ? config.tasks.grader : config.grader;
  const weights = config.type === "grpo" ? (config.tasks.rewards?.weights ?? null) : null;
  if (kind !== "train") {
    const source = heldOutConfig(config, kind)?.source;
    return source === undefined ? null : { field: `${kind}.source`, source, grader, weights };
  }
  return config.type === "grpo"
    ? { field: "tasks.source", source: config.tasks.source, grader, weights }
    : { field: "examples.source", source: config.examples.source, grader };
}
