import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Valkey is the same server under another name. */
const SERVERS = ["redis-server", "valkey-server"];

/**
 * Returns the path of a program, or null when it is not installed.
 *
 * @param path  folders to look in, in the form of the PATH variable
 */
export function findProgram(program: string, path: string): string | null {
  const folders = path.split(delimiter).filter((folder) => folder !== "");
  for (const folder of folders) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

/** Returns the path of a Redis or Valkey server, or null when there is none. */
export function findRedisServer(path: string): string | null {
  return SERVERS.map((server) => findProgram(server, path)).find(Boolean) ?? null;
}

/** Returns the configuration of a Redis of our own; given through stdin, as it holds the password. */
export function redisConfig(options: { port: number; folder: string; password: string }): string {
  return [
    "bind 127.0.0.1",
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `dir ${JSON.stringify(options.folder)}`,
    // Nothing is kept on disk: the coordinator fills the queues again, and a full disk would make Redis refuse
    // the fence too.
    "appendonly no",
    'save ""',
    // A queue must not forget jobs in order to save memory.
    "maxmemory-policy noeviction",
    "daemonize no",
    "",
  ].join("\n");
}
