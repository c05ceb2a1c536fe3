import { InvalidArgumentError } from "@gumshoe/core";

/** Version of the wire protocol; a worker of another version is rejected. */
export const PROTOCOL_VERSION = 4;

/** Elements per block of the flat parameter vector: the unit of hashes and norms. */
export const PARAMETER_BLOCK = 65_536;

/**
 * File of the optimizer's moments in a checkpoint, in the safetensors format. Inference servers
 * load every `*.safetensors`, `*.bin` and `*.pt` of a model folder, so its name has none of these
 * extensions.
 */
export const MOMENTS_FILE = "optimizer.moments";
/** Name of that file in checkpoints of earlier versions. */
export const EARLIER_MOMENTS_FILE = "optimizer.safetensors";

/** Prefix of a removed run's folder until it is deleted; no run's name may begin with it. */
export const REMOVED_PREFIX = ".removed-";

/** The roles of workers. */
export const WORKER_ROLES = ["inference", "trainer", "reducer"] as const;
/** The role of a worker. */
export type WorkerRole = (typeof WORKER_ROLES)[number];

/** The states of workers. */
export const WORKER_STATES = ["starting", "idle", "busy", "draining", "lost"] as const;
/** The state of a worker. */
export type WorkerState = (typeof WORKER_STATES)[number];

/** The purpose of a group. */
export type GroupKind = "train" | "validation" | "report";

/**
 * Returns a group's key: `<iteration>/train/<task in the iteration>`, `<iteration>/validation/<task>` or
 * `<iteration>/report/<task>`.
 */
export function groupKey(iteration: number, kind: GroupKind, index: number): string {
  return `${iteration}/${kind}/${index}`;
}

/** Matches group keys. */
export const GROUP_KEY = /^(\d{1,15})\/(train|validation|report)\/(\d{1,15})$/;

/** Parses a group key. @throws InvalidArgumentError */
export function parseGroupKey(key: string): { iteration: number; kind: GroupKind; index: number } {
  const match = GROUP_KEY.exec(key);
  if (match === null) {
    throw new InvalidArgumentError("group_key", `${key.slice(0, 100)} is not a group key`);
  }
  return { iteration: Number(match[1]), kind: match[2] as GroupKind, index: Number(match[3]) };
}

/** Returns the key of a lane's job: `<update>/<lane>`. */
export function laneKey(update: number, lane: number): string {
  return `${update}/${lane}`;
}

/** A vector that a TensorService serves. */
export type TensorName =
  | { readonly type: "weights"; readonly version: number }
  /** The frozen base model of an adapter. */
  | { readonly type: "base" }
  /** The trained weights that the divergence in the loss is computed from. */
  | { readonly type: "reference"; readonly version: number }
  | {
      readonly type: "gradient";
      readonly plan: string;
      readonly update: number;
      readonly lane: number;
    };

const BASE = "base";

/** Formats a vector's name for the wire. */
export function formatTensorName(name: TensorName): string {
  switch (name.type) {
    case "weights":
      return `weights/${name.version}`;
    case "base":
      return BASE;
    case "reference":
      return `reference/${name.version}`;
    case "gradient":
      return `gradient/${name.plan}/${name.update}/${name.lane}`;
    default:
      return name satisfies never;
  }
}

/** Parses a vector's name. @throws InvalidArgumentError */
export function parseTensorName(text: string): TensorName {
  if (text === BASE) return { type: "base" };
  const weights = /^(weights|reference)\/(\d{1,15})$/.exec(text);
  if (weights !== null) {
    return { type: weights[1] as "weights" | "reference", version: Number(weights[2]) };
  }
  const gradient = /^gradient\/([^/]{1,100})\/(\d{1,15})\/(\d{1,15})$/.exec(text);
  if (gradient === null) {
    throw new InvalidArgumentError("name", `${text.slice(0, 100)} is not a tensor's name`);
  }
  return {
    type: "gradient",
    plan: gradient[1] as string,
    update: Number(gradient[2]),
    lane: Number(gradient[3]),
  };
}
