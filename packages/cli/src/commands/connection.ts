import { DEFAULT_ADDRESS, GumshoeClient } from "@gumshoe/client";
import { InvalidArgumentError, readSecret, readTls, readTlsFolder, type Tls } from "@gumshoe/core";

import { type Context } from "../context.js";
import { Home } from "../local/home.js";
import { readUserFile } from "../run/load-config.js";

/** How a command reaches its cluster. */
export interface ConnectionOptions {
  readonly home: string;
  readonly address?: string;
  readonly tokenFile?: string;
  readonly tls?: string;
}

/**
 * Opens a client: what the options say comes before the environment, which comes before the cluster
 * that runs in the home.
 */
export function openClient(options: ConnectionOptions, { env }: Context): GumshoeClient {
  const home = new Home(options.home);
  const named = options.address ?? env["GUMSHOE_ADDRESS"] ?? null;
  const local = named === null ? (home.readCluster()?.address ?? null) : null;
  const address = named ?? local ?? DEFAULT_ADDRESS;
  const token =
    options.tokenFile === undefined
      ? (readSecret(env, "GUMSHOE_TOKEN") ?? home.existingToken())
      : readUserFile(options.tokenFile).trim();
  if (token === null) {
    throw new InvalidArgumentError("token", `there is none in ${home.folder}`, {
      suggestion:
        "start a cluster there by gumshoe up, or give --home, --token-file or GUMSHOE_TOKEN",
    });
  }
  // The cluster of a home is on this machine alone, and speaks no TLS.
  const tls = local === null || options.tls !== undefined ? tlsOf(options, env) : null;
  return new GumshoeClient({ address, token, tls });
}

function tlsOf({ tls }: ConnectionOptions, env: Context["env"]): Tls {
  return tls === undefined ? readTls(env, "client") : readTlsFolder(tls, "client", "--tls");
}
