import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";

const DEFAULT_ENDPOINT = "https://huggingface.co";

/** Location of the hub, and of its cache on this machine. */
export interface HubSettings {
  /** URL without a trailing slash. */
  readonly endpoint: string;
  /** Folder with one folder per model, as Python's huggingface_hub lays it out. */
  readonly cacheFolder: string;
  /** Access token of the user; null if there is none. */
  readonly token: string | null;
  /** Whether network access is disabled. */
  readonly isOffline: boolean;
}

/**
 * Reads the variables that Python's huggingface_hub reads: HF_ENDPOINT, HF_HOME, HF_HUB_CACHE, HF_TOKEN,
 * HF_TOKEN_PATH, HF_HUB_OFFLINE.
 *
 * @throws InvalidArgumentError naming the variable
 */
export function readHubSettings(env: NodeJS.ProcessEnv): HubSettings {
  const endpoint = (of(env, "HF_ENDPOINT") ?? DEFAULT_ENDPOINT).replace(/\/+$/, "");
  if (!/^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : "")) {
    throw new InvalidArgumentError("HF_ENDPOINT", "is not an http:// or https:// URL");
  }
  const isOffline = /^(1|on|yes|true)$/i.test(of(env, "HF_HUB_OFFLINE") ?? "");
  return { endpoint, cacheFolder: hubCacheFolder(env), token: readToken(env), isOffline };
}

/** Returns the folder of the model cache. */
export function hubCacheFolder(env: NodeJS.ProcessEnv): string {
  const given = of(env, "HF_HUB_CACHE") ?? of(env, "HUGGINGFACE_HUB_CACHE");
  return resolve(expand(given ?? join(hubHome(env), "hub")));
}

function hubHome(env: NodeJS.ProcessEnv): string {
  const cache = of(env, "XDG_CACHE_HOME") ?? join(homedir(), ".cache");
  return expand(of(env, "HF_HOME") ?? join(cache, "huggingface"));
}

/** Returns the given token, or the one that `hf auth login` has stored. */
function readToken(env: NodeJS.ProcessEnv): string | null {
  const name = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].find((one) => of(env, one) !== null);
  const token = name === undefined ? readKeptToken(env) : of(env, name);
  if (token === null || token.startsWith("hf_")) return token;
  throw new InvalidArgumentError(
    name ?? "HF_TOKEN_PATH",
    "is no token of the hub: those begin with hf_",
  );
}

function readKeptToken(env: NodeJS.ProcessEnv): string | null {
  try {
    const file = of(env, "HF_TOKEN_PATH") ?? join(hubHome(env), "token");
    const text = readFileSync(expand(file), "utf8").trim();
    return text === "" ? null : text;
  } catch {
    return null;
  }
}

function of(env: NodeJS.ProcessEnv, name: string): string | null {
  const value = env[name]?.trim() ?? "";
  return value === "" ? null : value;
}

function expand(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}
