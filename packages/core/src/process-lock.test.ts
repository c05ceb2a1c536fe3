import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, expect, test } from "vitest";

import { LockHeldError } from "./errors.js";
import { processStart } from "./process-identity.js";
import { ProcessLock } from "./process-lock.js";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "lock-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const BUILT = fileURLToPath(new URL("../dist/process-lock.js", import.meta.url));
const file = () => join(folder, "a.lock");
const onLinux = test.runIf(existsSync("/proc/self/stat"));

/**
 * Starts a process that takes the lock, prints the outcome, and keeps running until it is killed.
 */
function taker() {
  const program = `
    import { ProcessLock } from ${JSON.stringify(BUILT)};
    try { ProcessLock.take(process.argv[1]); console.log("taken"); setInterval(() => 0, 1e6); }
    catch (error) { console.log(error.message); }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program, file()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = once(child.stdout, "data").then(([data]) => String(data).trim());
  const kill = async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  };
  return { child, said, kill };
}

/** Returns a pid that no process has. */
async function deadPid(): Promise<number> {
  const child = spawn("true");
  await once(child, "exit");
  return child.pid as number;
}

test("a lock is taken once, and again after its release", () => {
  const lock = ProcessLock.take(file());
  expect(() => ProcessLock.take(file())).toThrow(LockHeldError);
  lock.release();
  expect(readdirSync(folder)).toEqual([]);
  ProcessLock.take(file()).release();
});

test("exactly one of six processes that start at once takes the lock", async () => {
  const takers = Array.from({ length: 6 }, taker);
  const said = await Promise.all(takers.map((one) => one.said));
  const holder = takers[said.indexOf("taken")]?.child.pid;
  expect(said.filter((line) => line === "taken")).toHaveLength(1);
  expect(said.filter((line) => line.endsWith(`is held by process ${holder}`))).toHaveLength(5);
  await Promise.all(takers.map((one) => one.kill()));
});

test("exactly one of six processes that find a dead process's lock takes it", async () => {
  const dead = taker();
  expect(await dead.said).toBe("taken");
  await dead.kill();
  const takers = Array.from({ length: 6 }, taker);
  const said = await Promise.all(takers.map((one) => one.said));
  expect(said.filter((line) => line === "taken")).toHaveLength(1);
  await Promise.all(takers.map((one) => one.kill()));
});

test("a lock stays with its holder when its file is emptied, corrupted or removed", async () => {
  const holder = taker();
  expect(await holder.said).toBe("taken");
  const spoil = [
    () => writeFileSync(file(), ""),
    () => writeFileSync(file(), '{"host"'),
    () => rmSync(file()),
  ];
  for (const change of spoil) {
    change();
    expect(() => ProcessLock.take(file())).toThrow(`is held by process ${holder.child.pid}`);
  }
  await holder.kill();
  ProcessLock.take(file()).release();
});

test("the copy of a folder whose lock is held is not locked", () => {
  const lock = ProcessLock.take(file());
  const copy = mkdtempSync(join(tmpdir(), "lock-copy-"));
  cpSync(folder, copy, { recursive: true });
  ProcessLock.take(join(copy, "a.lock")).release();
  expect(readdirSync(copy)).toEqual([]);
  // A new folder may get the inode of a removed one.
  cpSync(folder, copy, { recursive: true });
  const [claim = ""] = readdirSync(copy).filter((name) => name !== "a.lock");
  const [ino, other] = [statSync(folder).ino, statSync(copy).ino];
  renameSync(join(copy, claim), join(copy, claim.replace(`.${ino}.`, `.${other}.`)));
  ProcessLock.take(join(copy, "a.lock")).release();
  rmSync(copy, { recursive: true });
  lock.release();
});

test("a process stopped by SIGSTOP keeps its lock", async () => {
  const holder = taker();
  expect(await holder.said).toBe("taken");
  holder.child.kill("SIGSTOP");
  expect(() => ProcessLock.take(file())).toThrow(LockHeldError);
  await holder.kill();
});

test("an empty lock file without a running process is taken over", () => {
  writeFileSync(file(), "");
  ProcessLock.take(file());
  expect(JSON.parse(readFileSync(file(), "utf8"))).toMatchObject({ pid: process.pid });
});

test("the lock file of an earlier version counts while its process runs", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const pid = child.pid as number;
  const ticks = processStart(pid)?.split("-")[1];
  const kept = [`${pid}\n`, JSON.stringify({ host: hostname(), pid, started: ticks })];
  for (const text of kept) {
    writeFileSync(file(), text);
    expect(() => ProcessLock.take(file())).toThrow(`is held by process ${pid}`);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  for (const text of kept) {
    writeFileSync(file(), text);
    ProcessLock.take(file()).release();
  }
});

onLinux(
  "the number of a dead holder that another program has now is not taken for it",
  async () => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => 0, 1e6)"]);
    await once(child, "spawn");
    const pid = child.pid as number;
    const host = hostname();
    writeFileSync(file(), JSON.stringify({ host, pid, started: "1" }));
    ProcessLock.take(file()).release();
    const { ino } = statSync(folder);
    writeFileSync(`${file()}.${pid}.00000000-1.${ino}.${host.replace(/[^A-Za-z0-9-]/g, "_")}`, "");
    ProcessLock.take(file()).release();
    // Only a pid, written before that process started.
    writeFileSync(file(), `${pid}\n`);
    const anHourAgo = Date.now() / 1000 - 3600;
    utimesSync(file(), anHourAgo, anHourAgo);
    ProcessLock.take(file()).release();
    child.kill("SIGKILL");
    await once(child, "exit");
  },
);

test("a process that does not exist has no start time", async () => {
  expect(processStart(await deadPid())).toBeNull();
  expect(processStart(0)).toBeNull();
  expect(processStart(process.pid)).not.toBeNull();
});

test.each(["4294967296", '{"pid":1e308}', '{"pid":-1}', '{"pid":"1"}', "[]", "null", "{"])(
  "a lock file without a valid pid does not count: %s",
  (text) => {
    writeFileSync(file(), text);
    expect(() => ProcessLock.take(file()).release()).not.toThrow();
  },
);
