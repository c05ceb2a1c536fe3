import { DEFAULT_ADDRESS, GumshoeClient } from "@gumshoe/client";
import {
  ClusterError,
  InvalidArgumentError,
  readSecret,
  readTls,
  readTlsFolder,
  readVariable,
  type Tls,
} from "@gumshoe/core";

import type { Context } from "../context.js";
import { NoClusterError } from "../errors.js";
import { Home } from "../local/home.js";
import { readUserFile } from "../run/load-config.js";
import { shownCommand } from "../terminal/shown-command.js";
import { DEFAULT_HOME, defaultHome } from "./options.js";

/** The options that identify a cluster. */
export interface ConnectionOptions {
  readonly home: string;
  readonly address?: string;
  readonly tokenFile?: string;
  readonly tls?: string;
}

/**
 * Matches commands in the coordinator's advice, which does not know how this process connects to
 * it.
 */
const ADVICE = /npx gumshoe (\w+) ([a-z0-9-]+)/g;

/**
 * Opens a client for the duration of some work. Commands in the cluster's errors are completed with
 * the options that identify the cluster, so that they can be typed as shown.
 *
 * @throws NoClusterError, InvalidArgumentError; the errors of the work
 */
export async function withClient<T>(
  options: ConnectionOptions,
  context: Context,
  work: (client: GumshoeClient) => Promise<T>,
): Promise<T> {
  const client = openClient(options, context);
  try {
    return await work(client);
  } catch (thrown) {
    if (!(thrown instanceof ClusterError) || thrown.message.search(ADVICE) === -1) throw thrown;
    const cluster = connectionWords(options, context);
    const message = thrown.message.replace(ADVICE, (_advice, verb: string, run: string) =>
      shownCommand(context.env, [verb, run, ...cluster]),
    );
    throw new ClusterError(thrown.code, message, { details: thrown.details, cause: thrown });
  } finally {
    client.close();
  }
}

/**
 * Opens a client. Options take precedence over the environment, and the environment over the
 * cluster that runs in the home.
 *
 * The token of a home is sent only to the cluster that runs there, never to another address.
 *
 * @throws NoClusterError, InvalidArgumentError
 */
function openClient(options: ConnectionOptions, { env }: Context): GumshoeClient {
  const home = new Home(options.home);
  const cluster = home.runningCluster();
  const named = options.address ?? readVariable(env, "GUMSHOE_ADDRESS");
  const given =
    options.tokenFile === undefined
      ? readSecret(env, "GUMSHOE_TOKEN")
      : readUserFile(options.tokenFile).trim();
  const address = named ?? cluster?.address ?? DEFAULT_ADDRESS;
  const isLocal = cluster?.address === address;
  const token = given ?? (isLocal ? home.existingToken() : null);
  if (token === null && named === null) {
    const words = options.home === DEFAULT_HOME ? ["up"] : ["up", "--home", options.home];
    throw new NoClusterError(home.folder, shownCommand(env, words));
  }
  if (token === null) {
    throw new InvalidArgumentError("token", `none is given for ${address}`, {
      suggestion:
        `the one in ${home.folder} is for the cluster there: give --token-file or GUMSHOE_TOKEN` +
        (cluster === null ? "" : `, or leave out --address for ${cluster.address}`),
    });
  }
  // The local cluster of a home listens on loopback only, without TLS.
  const tls = !isLocal || options.tls !== undefined ? tlsOf(options, env) : null;
  return new GumshoeClient({ address, token, tls });
}

/** Returns the options that identify the cluster, as they were given. */
export function connectionWords(options: ConnectionOptions, { env }: Context): string[] {
  const { home, address, tokenFile, tls } = options;
  const isDefault = home === defaultHome(env);
  return [
    ...(isDefault ? [] : ["--home", home]),
    ...(address === undefined ? [] : ["--address", address]),
    ...(tokenFile === undefined ? [] : ["--token-file", tokenFile]),
    ...(tls === undefined ? [] : ["--tls", tls]),
  ];
}

function tlsOf({ tls }: ConnectionOptions, env: Context["env"]): Tls {
  return tls === undefined ? readTls(env, "client") : readTlsFolder(tls, "client", "--tls");
}
