import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";

import {
  checkToken,
  readListenAddress,
  readLogLevel,
  readSecret,
  readTls,
  readVariable,
  type Tls,
} from "@gumshoe/core";
import { hubCacheFolder } from "@gumshoe/hub";
import { type MonitorSettings, readMonitors } from "@gumshoe/monitors";
import { readRedisTls, readRedisUrl, type RedisTls } from "@gumshoe/queue";

import { CoordinatorSettingsError } from "./errors.js";
import type { Prices } from "./view/forecast.js";

const DEFAULT_DISK_WAIT_SECONDS = 60;
const DEFAULT_RECOVERY_SECONDS = 90;
/** A change of runs costs some seconds, until the next one has its weights back. */
const DEFAULT_SLICE_SECONDS = 600;
/**
 * Supervisors report dead processes at once. Silence is for those that hang or whose machine is
 * gone, so it is longer than that of a worker on an overloaded machine.
 */
const DEFAULT_LOST_SECONDS = 10;

/** The coordinator's settings, from environment variables. */
export interface CoordinatorSettings {
  /** host:port to serve; port 0 for any. */
  readonly listen: string;
  /** host:port of the HTTP server: page, API, metrics, health; null for none. */
  readonly httpListen: string | null;
  /** Folder of the built web page. */
  readonly pageFolder: string;
  /** What an hour of the workers' machines costs; null where no price is set. */
  readonly prices: Prices | null;
  /** URL that receives alarms by POST; null for none. It may hold a secret. */
  readonly alarmWebhook: string | null;
  /** Where metrics are sent beside the page. */
  readonly monitors: MonitorSettings;
  readonly redisUrl: string;
  readonly redisTls: RedisTls;
  readonly token: string;
  readonly tls: Tls;
  /** Name of the cluster, the prefix of its keys in Redis. */
  readonly cluster: string;
  /** Folder of the runs. */
  readonly home: string;
  /** Folders in which configs may name models, datasets and modules. */
  readonly dataFolders: readonly string[];
  /** URLs below which configs may name servers of tasks and grades. */
  readonly sourceUrls: readonly string[];
  /** Folder with the models of the Hugging Face hub. */
  readonly hubCache: string;
  /** How long a run waits for space on a full disk, or for a missing folder, in ms. */
  readonly diskWaitMs: number;
  /** Age of the newest durable weights, in ms, at which a recovery point is written. */
  readonly recoveryEveryMs: number;
  /** Time slice of a run, in ms, while others of its priority wait for the workers. */
  readonly sliceMs: number;
  /** Time without a heartbeat, in ms, after which a worker counts as lost. */
  readonly lostAfterMs: number;
  readonly logLevel: string;
  /** How the predecessor of this coordinator ended; null for none, or a clean stop. */
  readonly previousEnd: string | null;
  /** File for address and pid, written once the coordinator serves; null for none. */
  readonly readyFile: string | null;
}

/**
 * Reads the settings of the coordinator.
 *
 * @throws CoordinatorSettingsError or InvalidArgumentError, naming the variable
 */
export function readSettings(
  env: Readonly<Record<string, string | undefined>>,
): CoordinatorSettings {
  const token = readSecret(env, "GUMSHOE_TOKEN");
  if (token === null) throw new CoordinatorSettingsError("GUMSHOE_TOKEN", "is not set");
  checkToken("GUMSHOE_TOKEN", token);
  return {
    listen: readListenAddress(env, "GUMSHOE_LISTEN") ?? "127.0.0.1:7070",
    httpListen: readHttpListen(env),
    pageFolder: readVariable(env, "GUMSHOE_PAGE") ?? PAGE,
    prices: readPrices(env),
    alarmWebhook: readWebhook(env),
    monitors: readMonitors(env),
    redisUrl: readRedisUrl(env),
    redisTls: readRedisTls(env, "coordinator"),
    token,
    tls: readTls(env, "coordinator"),
    cluster: readVariable(env, "GUMSHOE_CLUSTER") ?? "gumshoe",
    home: readVariable(env, "GUMSHOE_HOME") ?? ".gumshoe",
    dataFolders: readDataFolders(env.GUMSHOE_DATA),
    sourceUrls: readSourceUrls(env["GUMSHOE_SOURCE_URLS"]),
    hubCache: hubCacheFolder(env),
    diskWaitMs: readSeconds(env, "GUMSHOE_DISK_WAIT_SECONDS", DEFAULT_DISK_WAIT_SECONDS),
    recoveryEveryMs: readSeconds(env, "GUMSHOE_RECOVERY_SECONDS", DEFAULT_RECOVERY_SECONDS),
    sliceMs: readSeconds(env, "GUMSHOE_SLICE_SECONDS", DEFAULT_SLICE_SECONDS),
    lostAfterMs: readSeconds(env, "GUMSHOE_LOST_SECONDS", DEFAULT_LOST_SECONDS),
    logLevel: readLogLevel(env),
    previousEnd: readPreviousEnd(env.GUMSHOE_PREVIOUS_END),
    readyFile: readVariable(env, "GUMSHOE_READY_FILE"),
  };
}

/** The models in this repository, when Gumshoe runs from a checkout. */
const MODELS = fileURLToPath(new URL("../../../models", import.meta.url));

/** Parses folders, separated as in PATH or given as a JSON list. */
function readDataFolders(value: string | undefined): string[] {
  if (value === undefined || value === "") return [process.cwd(), MODELS];
  if (!value.startsWith("[")) return value.split(delimiter).filter((folder) => folder !== "");
  try {
    const folders: unknown = JSON.parse(value);
    if (Array.isArray(folders) && folders.every((folder) => typeof folder === "string")) {
      return folders;
    }
  } catch {
    // The error is thrown below.
  }
  throw new CoordinatorSettingsError("GUMSHOE_DATA", "is no list of folders");
}

/** Parses URLs, separated by commas. */
function readSourceUrls(value = ""): string[] {
  const urls = value.split(",").map((url) => url.trim());
  return urls.filter((url) => {
    if (url === "") return false;
    if (URL.canParse(url) && /^https?:\/\//.test(url)) return true;
    throw new CoordinatorSettingsError(
      "GUMSHOE_SOURCE_URLS",
      `${url} is not a URL of http or https`,
    );
  });
}

/** The page of this installation, beside this package. */
const PAGE = fileURLToPath(new URL("../../dashboard/dist/page", import.meta.url));

/** By default any free port of loopback; `off` for none. */
function readHttpListen(env: Readonly<Record<string, string | undefined>>): string | null {
  if (env["GUMSHOE_HTTP_LISTEN"] === "off") return null;
  return readListenAddress(env, "GUMSHOE_HTTP_LISTEN") ?? "127.0.0.1:0";
}

/** Told by the supervisor that started both; a clean stop is no death. */
function readPreviousEnd(value: string | undefined): string | null {
  return value === undefined || value === "" || value === "exit code 0" ? null : value;
}

/** Reads a number of seconds; returns ms. */
function readSeconds(
  env: Readonly<Record<string, string | undefined>>,
  name: string,
  defaultSeconds: number,
): number {
  const value = readVariable(env, name);
  if (value === null) return defaultSeconds * 1000;
  const seconds = Number(value);
  if (Number.isFinite(seconds) && seconds >= 0) return seconds * 1000;
  throw new CoordinatorSettingsError(name, `${value} is not a number of seconds, 0 or more`);
}

function readPrices(env: Readonly<Record<string, string | undefined>>): Prices | null {
  const names = ["GUMSHOE_PRICE_PER_CORE_HOUR", "GUMSHOE_PRICE_PER_GPU_HOUR"] as const;
  const [perCoreHour, perGpuHour] = names.map((name) => readPrice(name, readVariable(env, name)));
  if (perCoreHour === null && perGpuHour === null) return null;
  const currency = readVariable(env, "GUMSHOE_CURRENCY") ?? "USD";
  return { perCoreHour: perCoreHour ?? 0, perGpuHour: perGpuHour ?? 0, currency };
}

function readPrice(name: string, value: string | null): number | null {
  if (value === null) return null;
  const price = Number(value);
  if (Number.isFinite(price) && price >= 0) return price;
  throw new CoordinatorSettingsError(name, `${value} is not a price, 0 or more`);
}

function readWebhook(env: Readonly<Record<string, string | undefined>>): string | null {
  const url = readSecret(env, "GUMSHOE_ALARM_WEBHOOK");
  if (url === null || /^https?:\/\/[^\s/]/.test(url)) return url;
  throw new CoordinatorSettingsError("GUMSHOE_ALARM_WEBHOOK", "is not a URL of http or https");
}
