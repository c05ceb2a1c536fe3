import { availableParallelism, hostname } from "node:os";
import { resolve } from "node:path";

import {
  checkToken,
  isAddress,
  readListenAddress,
  readLogLevel,
  readSecret,
  readTls,
  readVariable,
  type Tls,
} from "@gumshoe/core";
import { type DeviceName, type GpuEnvironment, parseDeviceName } from "@gumshoe/gpu";
import { WORKER_ROLES, type WorkerRole } from "@gumshoe/protocol";
import type { DeviceFault } from "@gumshoe/kernels";
import { readRedisTls, readRedisUrl, type RedisTls } from "@gumshoe/queue";

import { WorkerSettingsError } from "./errors.js";

/** Default niceness, which gives coordinator and Redis about nine times a worker's share of a core. */
export const WORKER_NICE = 10;

/** Variables by which NVRTC and compiled kernels are found. */
const GPU_VARIABLES = [
  "CUDA_HOME",
  "CUDA_PATH",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "HOME",
  "XDG_CACHE_HOME",
] as const;

/** Settings of a worker process, read from its environment. */
export interface WorkerSettings {
  readonly role: WorkerRole;
  /** host:port of the coordinator. */
  readonly coordinator: string;
  readonly redisUrl: string;
  readonly redisTls: RedisTls;
  readonly token: string;
  readonly tls: Tls;
  /** The cluster's name, a prefix of its keys in Redis. */
  readonly cluster: string;
  /** `free`: a GPU that no other worker of the cluster uses. */
  readonly device: DeviceName | "free";
  /** Variables by which the libraries of a GPU are found. */
  readonly gpuEnvironment: GpuEnvironment;
  /** Threads of the CPU. */
  readonly threads: number;
  /** Niceness of the process, 0 to 19. */
  readonly nice: number;
  /** Address that this worker serves on; port 0 for any free port. */
  readonly listen: string;
  /** Host under which others reach this worker, if it differs from the one it listens on; else null. */
  readonly announce: string | null;
  readonly host: string;
  /** The coordinator's home, where reducers write checkpoints. */
  readonly home: string;
  readonly logLevel: string;
  /** File to which address and pid are written once the worker serves; null for none. */
  readonly readyFile: string | null;
  /** Whether processes of one machine map each other's weights and gradients. */
  readonly isMemoryShared: boolean;
  /** A kernel broken on purpose, for tests; null otherwise. */
  readonly fault: DeviceFault | null;
}

/**
 * Reads the settings of a worker.
 *
 * @throws WorkerSettingsError or InvalidArgumentError, naming the variable
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): WorkerSettings {
  const required = (name: string): string => {
    const value = env[name];
    if (value === undefined || value === "") throw new WorkerSettingsError(name, "is not set");
    return value;
  };
  const token = readSecret(env, "GUMSHOE_TOKEN");
  if (token === null) throw new WorkerSettingsError("GUMSHOE_TOKEN", "is not set");
  checkToken("GUMSHOE_TOKEN", token);
  return {
    role: readRole(required("GUMSHOE_ROLE")),
    coordinator: readCoordinator(required("GUMSHOE_COORDINATOR")),
    redisUrl: readRedisUrl(env),
    redisTls: readRedisTls(env, "worker"),
    token,
    tls: readTls(env, "worker"),
    cluster: readVariable(env, "GUMSHOE_CLUSTER") ?? "gumshoe",
    device: readDevice(readVariable(env, "GUMSHOE_DEVICE") ?? "cpu"),
    gpuEnvironment: Object.fromEntries(GPU_VARIABLES.map((name) => [name, env[name]])),
    threads: readThreads(env.GUMSHOE_THREADS),
    nice: readNice(env.GUMSHOE_NICE),
    listen: readListenAddress(env, "GUMSHOE_LISTEN") ?? "127.0.0.1:0",
    announce: readAnnounce(env.GUMSHOE_ANNOUNCE),
    host: hostname(),
    home: resolve(readVariable(env, "GUMSHOE_HOME") ?? ".gumshoe"),
    logLevel: readLogLevel(env),
    readyFile: readVariable(env, "GUMSHOE_READY_FILE"),
    isMemoryShared: readSharedMemory(env.GUMSHOE_SHARED_MEMORY),
    fault: readFault(env.GUMSHOE_FAULT),
  };
}

function readDevice(value: string): DeviceName | "free" {
  return value === "cuda:free" ? "free" : parseDeviceName("GUMSHOE_DEVICE", value);
}

function readRole(value: string): WorkerRole {
  const role = WORKER_ROLES.find((known) => known === value);
  if (role !== undefined) return role;
  throw new WorkerSettingsError(
    "GUMSHOE_ROLE",
    `${value} is not one of ${WORKER_ROLES.join(", ")}`,
  );
}

function readCoordinator(value: string): string {
  if (isAddress(value, 1)) return value;
  throw new WorkerSettingsError("GUMSHOE_COORDINATOR", `${value} is not host:port`);
}

function readAnnounce(value: string | undefined): string | null {
  if (value === undefined || value === "") return null;
  if (/^(\[[0-9a-fA-F:.]+\]|[^\s/:]+)$/.test(value)) return value;
  throw new WorkerSettingsError(
    "GUMSHOE_ANNOUNCE",
    `${value} is not a name or an address; the port is added by itself`,
  );
}

function readThreads(value: string | undefined): number {
  if (value === undefined || value === "") return availableParallelism();
  const threads = Number(value);
  if (Number.isInteger(threads) && threads >= 1 && threads <= 1024) return threads;
  throw new WorkerSettingsError("GUMSHOE_THREADS", `${value} is not a whole number from 1 to 1024`);
}

function readNice(value: string | undefined): number {
  if (value === undefined || value === "") return WORKER_NICE;
  const nice = Number(value);
  if (Number.isInteger(nice) && nice >= 0 && nice <= 19) return nice;
  throw new WorkerSettingsError("GUMSHOE_NICE", `${value} is not a whole number from 0 to 19`);
}

function readSharedMemory(value: string | undefined): boolean {
  if (value === undefined || value === "" || value === "on") return true;
  if (value === "off") return false;
  throw new WorkerSettingsError("GUMSHOE_SHARED_MEMORY", `${value} is not on or off`);
}

function readFault(value: string | undefined): DeviceFault | null {
  if (value === undefined || value === "") return null;
  if (value === "decode-attention") return value;
  throw new WorkerSettingsError("GUMSHOE_FAULT", `${value} is not decode-attention`);
}
