import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { createLogger, hostIdentity } from "@gumshoe/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { Region } from "./region.js";
import { RegionDirectory } from "./region-directory.js";

const MODULES = ["region.js", "region-directory.js"].map(
  (name) => new URL(`../dist/${name}`, import.meta.url).href,
);
const logger = createLogger("test", "silent");

let root: string;
const children: ChildProcess[] = [];
beforeEach(() => (root = mkdtempSync(join(tmpdir(), "regions-"))));
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true });
});

function openDirectory(isShared = true): RegionDirectory {
  return new RegionDirectory({ isShared, logger, root });
}

/** All links in the folders of regions. */
function links(): string[] {
  return readdirSync(root).flatMap((folder) => readdirSync(join(root, folder)));
}

/** Starts another process that runs `body` with a directory, reports it, and keeps running. */
async function inProcess(body: string): Promise<ChildProcess> {
  const script = `
    import { Region } from ${JSON.stringify(MODULES[0])};
    import { RegionDirectory } from ${JSON.stringify(MODULES[1])};
    const logger = { warn: console.error };
    const directory = new RegionDirectory({ isShared: true, logger, root: ${JSON.stringify(root)} });
    ${body}
    console.log("done");
    setInterval(() => undefined, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  children.push(child);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe.skipIf(hostIdentity() === "")("if processes can share memory", () => {
  test("two processes map one region: one reads what the other writes", async () => {
    await inProcess(`
      const region = directory.create(100_000);
      region.values.fill(7);
      directory.publish("weights", region);
      setInterval(() => { if (region.values[5] === 1) region.values[6] = 2; }, 5);`);
    const region = openDirectory().find("weights", 100_000) as Region;
    expect(region.values.every((value) => value === 7)).toBe(true);
    region.values[5] = 1;
    await expect.poll(() => region.values[6]).toBe(2);
    region.close();
  });

  test("a region outlives its creator where it is open, but cannot be found any more", async () => {
    const child = await inProcess(`
      const region = directory.create(1000);
      region.values.fill(7);
      directory.publish("weights", region);`);
    const directory = openDirectory();
    const region = directory.find("weights", 1000) as Region;
    await kill(child);
    expect(region.values[999]).toBe(7);
    expect(directory.find("weights", 1000)).toBeNull();
    // The name is free for another region.
    expect(directory.publish("weights", region)).toBe(true);
    expect(directory.find("weights", 1000)?.values[999]).toBe(7);
    region.close();
  });

  test("a region that is joined after all its creators were killed is new and empty", async () => {
    const body = `directory.join("next", 1000).region.values.fill(7);`;
    const makers = [await inProcess(body), await inProcess(body)];
    await Promise.all(makers.map(kill));
    const { region, isMaker } = openDirectory().join("next", 1000);
    expect(isMaker).toBe(true);
    expect(region.values.every((value) => value === 0)).toBe(true);
    region.close();
  });

  test("processes that join concurrently get the same region", async () => {
    const joined = [1, 2, 3].map((index) =>
      inProcess(`directory.join("next", 1000).region.values[${index}] = ${index};`),
    );
    await Promise.all(joined);
    const { region, isMaker } = openDirectory().join("next", 1000);
    expect(isMaker).toBe(false);
    expect([...region.values.subarray(0, 4)]).toEqual([0, 1, 2, 3]);
    region.close();
  });

  test("after all processes were killed no memory is left, and the next start removes their links", async () => {
    const shm = () => readdirSync("/dev/shm").length;
    const before = shm();
    const child = await inProcess(`
      for (const name of ["a", "b"]) directory.publish(name, directory.create(1000));`);
    expect(links()).toHaveLength(2);
    await kill(child);
    expect(shm()).toBe(before);
    openDirectory();
    expect(links()).toEqual([]);
  });

  test("a region of another size, or another file with its descriptor number, is not opened", () => {
    const directory = openDirectory();
    const region = directory.create(1000);
    directory.publish("weights", region);
    expect(directory.find("weights", 999)).toBeNull();
    const { path, inode } = region.file as { path: string; inode: number };
    expect(Region.open(path, 1000, inode)?.elements).toBe(1000);
    expect(Region.open(path, 1000, inode + 1)).toBeNull();
    directory.withdraw("weights");
    expect(links()).toEqual([]);
    region.close();
    expect(region.file).toBeNull();
    expect(region.values).toHaveLength(0);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "a folder of another user is not used, which is logged once",
    () => {
      openDirectory();
      for (const folder of readdirSync(root)) chownSync(join(root, folder), 4242, 4242);
      const told: string[] = [];
      const warn = ((text: string) => told.push(text)) as typeof logger.warn;
      const options = { isShared: true, logger: { ...logger, warn } as typeof logger, root };
      const directory = new RegionDirectory(options);
      expect(directory.isShared).toBe(false);
      directory.warnOnce("again");
      directory.warnOnce("again");
      expect(told).toHaveLength(2);
      expect(told[0]).toContain("it is another user's");
    },
  );
});

test("memory that is not shared is private to this process", () => {
  const directory = openDirectory(false);
  const region = directory.create(10);
  expect(region.memory.type).toBe("buffer");
  expect(region.file).toBeNull();
  expect(directory.publish("weights", region)).toBe(false);
  expect(directory.find("weights", 10)).toBeNull();
  expect(directory.join("next", 10).isMaker).toBe(true);
  region.values.fill(3);
  expect(new Float32Array((region.memory as { buffer: SharedArrayBuffer }).buffer)[9]).toBe(3);
});
