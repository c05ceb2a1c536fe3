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

import { type Context } from "../context.js";
import { NoClusterError } from "../errors.js";
import { Home } from "../local/home.js";
import { readUserFile } from "../run/load-config.js";
import { shownCommand } from "../terminal/shown-command.js";
import { DEFAULT_HOME, defaultHome } from "./options.js";

/** How a command reaches its cluster. */
export interface ConnectionOptions {
  readonly home: string;
  readonly address?: string;
  readonly tokenFile?: string;
  readonly tls?: string;
}

/** A command that the coordinator advises: it does not know how it is reached from here. */
const ADVICE = /npx gumshoe (\w+) ([a-z0-9-]+)/g;

/**
 * Opens a client for a piece of work, and closes it. Commands that an error of the cluster advises are written as
 * they can be typed here, with the options that name the cluster.
 *
 * @throws NoClusterError, InvalidArgumentError; what the work throws
 */
export async function withClient(
  options: ConnectionOptions,
  context: Context,
  work: (client: GumshoeClient) => Promise<void>,
): Promise<void> {
  const client = openClient(options, context);
  try {
    await work(client);
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
 * Opens a client: what the options say comes before the environment, which comes before the cluster
 * that runs in the home.
 *
 * The token of a home goes to the cluster that runs there, and to no other address.
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
  // The cluster of a home is on this machine alone, and speaks no TLS.
  const tls = !isLocal || options.tls !== undefined ? tlsOf(options, env) : null;
  return new GumshoeClient({ address, token, tls });
}

/** Returns the options that name the cluster, as they were given. */
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
