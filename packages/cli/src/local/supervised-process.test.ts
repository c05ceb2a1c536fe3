import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { systemClock } from "@gumshoe/core";

import type { ProcessFailedError } from "../errors.js";
import { Guardian } from "./guardian.js";
import { SupervisedProcess } from "./supervised-process.js";

let folder: string;
const guardian = new Guardian();
const stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-supervised-"));
});
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
  rmSync(folder, { recursive: true, force: true });
});

/** Supervises a Node.js process that runs `code`; collects the supervisor's events. */
function supervise(code: string, input: string | null = null) {
  const restarts: string[] = [];
  const failures: ProcessFailedError[] = [];
  const spec = {
    name: "worker-1",
    program: process.execPath,
    args: ["-e", code],
    env: process.env,
    input,
    logFile: join(folder, "log"),
  };
  const listener = {
    onChange: () => undefined,
    onRestart: (_name: string, reason: string) => void restarts.push(reason),
    onFailure: (error: ProcessFailedError) => void failures.push(error),
  };
  const child = new SupervisedProcess(spec, { guardian, clock: systemClock, listener });
  stops.push(() => child.stop(0));
  child.start();
  return { child, restarts, failures, log: () => readFileSync(spec.logFile, "utf8") };
}

const FOREVER = "setInterval(() => {}, 1000)";

test("a killed process is restarted with another pid", async () => {
  const { child, restarts } = supervise(FOREVER);
  const first = child.pid;
  process.kill(first ?? 0, "SIGKILL");
  await vi.waitFor(() => expect(restarts).toEqual(["SIGKILL"]));
  await vi.waitFor(() => expect(child.state).toBe("running"));
  expect(child.pid).not.toBe(first);
});

test("a process that exits with the code for a wrong config is not restarted", async () => {
  const { child, failures, restarts } = supervise("console.error('token: wrong'); process.exit(2)");
  await vi.waitFor(() => expect(child.state).toBe("failed"), 5000);
  expect(restarts).toEqual([]);
  expect(failures.map(({ message }) => message)).toEqual([
    `worker-1: token: wrong (log: ${join(folder, "log")})`,
  ]);
});

test("a stop waits for a clean exit, and kills a process that ignores SIGTERM", async () => {
  const polite = supervise(
    "process.on('SIGTERM', () => { console.log('bye'); process.exit(0) });" +
      `console.log('up'); ${FOREVER}`,
  );
  await vi.waitFor(() => expect(polite.log()).toBe("up\n"), 5000);
  await polite.child.stop(5000);
  expect(polite.log()).toBe("up\nbye\n");
  expect(polite.restarts).toEqual([]);

  const deaf = supervise(`process.on('SIGTERM', () => {}); console.log('deaf'); ${FOREVER}`);
  await vi.waitFor(() => expect(deaf.log()).toContain("deaf"), 5000);
  await deaf.child.stop(50);
  expect(deaf.child.state).toBe("stopped");
  expect(deaf.child.pid).toBeNull();
});

test("a process reads its input from stdin", async () => {
  const { log } = supervise(`process.stdin.pipe(process.stdout); ${FOREVER}`, "secret config");
  await vi.waitFor(() => expect(log()).toBe("secret config"), 5000);
});

test("no child survives a parent that is killed with -9", async () => {
  // The parent is a separate process, which starts one child under a guardian.
  const parent = spawn(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      `import { spawn } from "node:child_process";
       import { Guardian } from ${JSON.stringify(new URL("../../dist/local/guardian.js", import.meta.url).href)};
       const guardian = new Guardian();
       guardian.start();
       const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { detached: true, stdio: "ignore" });
       guardian.add(child.pid);
       console.log(child.pid);
       setInterval(() => {}, 1000);`,
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const [line] = (await once(parent.stdout, "data")) as [Buffer];
  const pid = Number(line.toString());
  expect(isAlive(pid)).toBe(true);
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(isAlive(pid)).toBe(false), 5000);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
