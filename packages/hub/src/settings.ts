import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

import { InvalidArgumentError } from "@gumshoe/core";

const DEFAULT_ENDPOINT = "https://huggingface.co";

/** Where the hub is, and where its files are kept on this machine. */
export interface HubSettings {
  /** URL without a slash at its end. */
  readonly endpoint: string;
  /** Folder that has a folder for each model, as Python's huggingface_hub keeps it. */
  readonly cacheFolder: string;
  /** Of the user's account; null for none. */
  readonly token: string | null;
  /** Whether nothing may be asked of the hub. */
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

/** The folder that models of the hub are kept in. */
export function hubCacheFolder(env: NodeJS.ProcessEnv): string {
  const given = of(env, "HF_HUB_CACHE") ?? of(env, "HUGGINGFACE_HUB_CACHE");
  return resolve(expand(given ?? join(hubHome(env), "hub")));
}

function hubHome(env: NodeJS.ProcessEnv): string {
  const cache = of(env, "XDG_CACHE_HOME") ?? join(homedir(), ".cache");
  return expand(of(env, "HF_HOME") ?? join(cache, "huggingface"));
}

/** A token that was given, or the one that `hf auth login` has kept. */
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
