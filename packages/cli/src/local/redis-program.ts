import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Valkey is a compatible server. */
const SERVERS = ["redis-server", "valkey-server"];

/**
 * Returns the path of a program, or null when it is not installed.
 *
 * @param path  folders to search, in the form of the PATH variable
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

/**
 * Returns the configuration of the local Redis; passed through stdin, because it holds the
 * password.
 */
export function redisConfig(options: { port: number; folder: string; password: string }): string {
  return [
    "bind 127.0.0.1",
    `port ${options.port}`,
    `requirepass ${options.password}`,
    `dir ${JSON.stringify(options.folder)}`,
    // No persistence: the coordinator refills the queues, and on a full disk Redis would otherwise
    // reject writes, including those of the fence.
    "appendonly no",
    'save ""',
    // Redis must not evict jobs to free memory.
    "maxmemory-policy noeviction",
    "daemonize no",
    "",
  ].join("\n");
}
