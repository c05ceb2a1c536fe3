import { InvalidArgumentError } from "@gumshoe/core";

/** Version of the wire; a worker of another version is refused. */
export const PROTOCOL_VERSION = 3;

/** Elements of a block of the flat parameter vector: what hashes and norms are computed over. */
export const PARAMETER_BLOCK = 65_536;

/**
 * File of a checkpoint that holds the optimizer's moments, in the safetensors format. Servers load
 * every `*.safetensors`, `*.bin` and `*.pt` of a model folder, so its name has none of these endings.
 */
export const MOMENTS_FILE = "optimizer.moments";
/** Name of that file in the checkpoints of earlier versions. */
export const EARLIER_MOMENTS_FILE = "optimizer.safetensors";

/** What the folder of a removed run begins with until it is deleted; no run has such a name. */
export const REMOVED_PREFIX = ".removed-";

/** What a worker does. */
export const WORKER_ROLES = ["inference", "trainer", "reducer"] as const;
/** What a worker does. */
export type WorkerRole = (typeof WORKER_ROLES)[number];

/** What a worker's state can be. */
export const WORKER_STATES = ["starting", "idle", "busy", "draining", "lost"] as const;
/** What a worker's state can be. */
export type WorkerState = (typeof WORKER_STATES)[number];

/** What a group is sampled for. */
export type GroupKind = "train" | "validation";

/** Names a group: `<iteration>/train/<task in the iteration>` or `<iteration>/validation/<task>`. */
export function groupKey(iteration: number, kind: GroupKind, index: number): string {
  return `${iteration}/${kind}/${index}`;
}

/** What a group key is. */
export const GROUP_KEY = /^(\d{1,15})\/(train|validation)\/(\d{1,15})$/;

/** Takes a group key apart; throws InvalidArgumentError when it is none. */
export function parseGroupKey(key: string): { iteration: number; kind: GroupKind; index: number } {
  const match = GROUP_KEY.exec(key);
  if (match === null) {
    throw new InvalidArgumentError("group_key", `${key.slice(0, 100)} is not a group key`);
  }
  return { iteration: Number(match[1]), kind: match[2] as GroupKind, index: Number(match[3]) };
}

/** Names a lane's job: `<update>/<lane>`. */
export function laneKey(update: number, lane: number): string {
  return `${update}/${lane}`;
}

/** A vector that a TensorService can be asked for. */
export type TensorName =
  | { readonly type: "weights"; readonly version: number }
  | {
      readonly type: "gradient";
      readonly plan: string;
      readonly update: number;
      readonly lane: number;
    };

/** Writes a vector's name for the wire. */
export function formatTensorName(name: TensorName): string {
  return name.type === "weights"
    ? `weights/${name.version}`
    : `gradient/${name.plan}/${name.update}/${name.lane}`;
}

/** Reads a vector's name; throws InvalidArgumentError when it is none. */
export function parseTensorName(text: string): TensorName {
  const weights = /^weights\/(\d{1,15})$/.exec(text);
  if (weights !== null) return { type: "weights", version: Number(weights[1]) };
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
