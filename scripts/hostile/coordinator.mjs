/** A coordinator and its Redis in separate processes, with their memory and open files. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { GumshoeClient } from "@gumshoe/client";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** The token of its cluster. */
export const TOKEN = "hostile-calls-token";

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export class CoordinatorProcess {
  #home = mkdtempSync(join(tmpdir(), "gumshoe-hostile-"));
  #children = [];
  #log = "";

  /** @param env  additional environment variables of the coordinator */
  static async start(env = {}) {
    const started = new CoordinatorProcess();
    try {
      await started.#start(env);
      return started;
    } catch (error) {
      await started.stop();
      throw error;
    }
  }

  async #start(env) {
    const [port, httpPort, redisPort] = [await freePort(), await freePort(), await freePort()];
    this.address = `127.0.0.1:${port}`;
    this.httpAddress = `127.0.0.1:${httpPort}`;
    const redisArguments = ["--port", String(redisPort), "--save", ""];
    const redis = spawn("redis-server", redisArguments, { stdio: "ignore" });
    this.#children.push(redis);
    const readyFile = join(this.#home, "ready.json");
    const coordinator = spawn(process.execPath, [join(ROOT, "packages/coordinator/dist/main.js")], {
      cwd: this.#home,
      env: {
        PATH: process.env.PATH,
        GUMSHOE_LISTEN: this.address,
        GUMSHOE_HTTP_LISTEN: this.httpAddress,
        GUMSHOE_TOKEN: TOKEN,
        GUMSHOE_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
        GUMSHOE_HOME: this.#home,
        GUMSHOE_READY_FILE: readyFile,
        ...env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#children.push(coordinator);
    coordinator.stderr.on("data", (data) => (this.#log += data));
    this.process = coordinator;
    while (!existsSync(readyFile)) {
      if (coordinator.exitCode !== null) throw new Error(this.#log);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /**
   * Requests the coordinator's status on a new connection; the response waits for its event loop.
   */
  async status(tls) {
    const client = new GumshoeClient({ address: this.address, token: TOKEN, ...tls });
    try {
      return (await client.cluster()).coordinator;
    } finally {
      client.close();
    }
  }

  get numLogLines() {
    return this.#log.split("\n").length - 1;
  }

  get numDescriptors() {
    return readdirSync(`/proc/${this.process.pid}/fd`).length;
  }

  /** Returns memory in MB: `VmRSS` is the present value, `VmHWM` the peak. */
  memoryMb(field) {
    const status = readFileSync(`/proc/${this.process.pid}/status`, "utf8");
    const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(status);
    return Math.round(Number(kilobytes) / 1024);
  }

  async stop() {
    for (const child of this.#children) {
      const gone = once(child, "exit");
      if (child.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await gone;
    }
    rmSync(this.#home, { recursive: true, force: true });
  }
}
