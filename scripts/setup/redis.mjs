/** Finds a Redis server, or installs one with the system's package manager if that is permitted. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

import { mustRun, runQuietly, SetUpError, step } from "./step.mjs";

/** Valkey is a compatible server. */
const SERVERS = ["redis-server", "valkey-server"];

/** Package managers, their non-interactive install commands, and whether they need root. */
const MANAGERS = [
  {
    program: "apt-get",
    commands: [
      ["update", "-qq"],
      ["install", "-y", "-qq", "--no-install-recommends", "redis-server"],
    ],
    byHand: "sudo apt-get update && sudo apt-get install -y redis-server",
    root: true,
  },
  {
    program: "dnf",
    commands: [["install", "-y", "redis"]],
    byHand: "sudo dnf install -y redis",
    root: true,
  },
  {
    program: "apk",
    commands: [["add", "--no-cache", "redis"]],
    byHand: "sudo apk add redis",
    root: true,
  },
  {
    program: "brew",
    commands: [["install", "redis"]],
    byHand: "brew install redis",
    root: false,
  },
];

/** Returns the path of a program, or null. */
function which(program) {
  const folders = (process.env.PATH ?? "").split(delimiter);
  for (const folder of folders.filter((name) => name !== "")) {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return join(folder, program);
    } catch {
      // Not in this folder.
    }
  }
  return null;
}

function findRedis() {
  return SERVERS.map(which).find((path) => path !== null) ?? null;
}

/** Returns the command prefix for root permissions, or null when they are not available. */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (which("sudo") === null) return null;
  const { code } = await runQuietly("sudo", ["-n", "true"]);
  return code === 0 ? ["sudo", "-n"] : null;
}

/** Ensures that a Redis server is installed. @throws SetUpError with the command to type */
export async function obtainRedis() {
  if (findRedis() !== null) return;
  const manager = MANAGERS.find(({ program }) => which(program) !== null);
  const advice =
    manager === undefined
      ? "install Redis 6.2 or newer (or Valkey) so that redis-server is on the PATH"
      : `type this, then start again:\n\n    ${manager.byHand}\n`;
  const problem = "Redis is missing: the queues between the processes need it.";
  const prefix = manager?.root === true ? await rootPrefix() : [];
  if (manager === undefined || prefix === null) throw new SetUpError(`${problem} Please ${advice}`);
  try {
    await step(`Redis (${[...prefix, manager.program].join(" ")} install)`, async () => {
      for (const args of manager.commands) {
        const [program, ...rest] = [...prefix, manager.program, ...args];
        // RUNLEVEL=1 keeps Debian from starting the installed server.
        const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
        await mustRun(program, rest, { env });
      }
    });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new SetUpError(`${message}\n\n${problem} Please ${advice}`);
  }
  if (findRedis() === null) throw new SetUpError(`${problem} Please ${advice}`);
}
