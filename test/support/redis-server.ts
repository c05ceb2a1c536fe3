import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A real Redis for one test, on a free loopback port, with its own folder. */
export interface TestRedis {
  readonly port: number;
  /** Includes the password. */
  readonly url: string;
  readonly password: string;
  /** Suspends or resumes its process: meanwhile connections stay open without responses. */
  pause(isPaused: boolean): void;
  /** Kills it by SIGKILL; `start` restarts it on the same port, without data. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it, and removes its folder. */
  close(): Promise<void>;
}

/**
 * Starts a Redis with a password; it writes nothing to disk.
 *
 * @param tls  folder with ca.pem, cert.pem and key.pem: enables mutual TLS only
 * @param more further options of redis-server
 */
export async function startRedis(
  tls: string | null = null,
  more: readonly string[] = [],
): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), "gumshoe-redis-"));
  const port = await freePort();
  const password = "test-password";
  let server: ChildProcess | null = null;

  const start = async () => {
    const args = ["--bind", "127.0.0.1", "--dir", folder];
    if (tls === null) {
      args.push("--port", String(port));
    } else {
      args.push("--port", "0", "--tls-port", String(port));
      args.push("--tls-ca-cert-file", join(tls, "ca.pem"));
      args.push("--tls-cert-file", join(tls, "cert.pem"), "--tls-key-file", join(tls, "key.pem"));
    }
    args.push("--requirepass", password, "--save", "", "--appendonly", "no", ...more);
    server = spawn("redis-server", args, { stdio: ["ignore", "pipe", "ignore"] });
    await untilReady(server);
  };
  const kill = async () => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  };
  const pause = (isPaused: boolean) => void server?.kill(isPaused ? "SIGSTOP" : "SIGCONT");
  const close = async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  await start();
  const scheme = tls === null ? "redis" : "rediss";
  const url = `${scheme}://:${password}@127.0.0.1:${port}`;
  return { port, password, url, pause, kill, start, close };
}

/** Returns a currently free loopback port. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function untilReady(server: ChildProcess): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    let output = "";
    server.once("error", reject);
    server.once("exit", () => reject(new Error(`redis-server ended: ${output}`)));
    server.stdout?.on("data", (data: Buffer) => {
      output += data.toString();
      if (output.includes("Ready to accept connections")) resolve();
    });
  });
}
