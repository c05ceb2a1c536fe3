import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { afterEach, describe, expect, test } from "vitest";
import { floatsToBytes } from "@gumshoe/protocol";

import { MemoryFileReader, MemoryFiles, hostIdentity } from "./memory-files.js";

const VALUES = Float32Array.from({ length: 1_070_001 }, (_, i) => i / 3);
const MODULE = new URL("../dist/memory-files.js", import.meta.url).href;

const files = new MemoryFiles();
let child: ChildProcess | null = null;
afterEach(async () => {
  child?.kill("SIGKILL");
  child = null;
  await files.close();
});

/** Another process that shares VALUES and says where they are. */
async function sharingProcess(): Promise<{ path: string; offset: number; generation: number }> {
  const script = `
    import { MemoryFiles } from ${JSON.stringify(MODULE)};
    const values = Float32Array.from({ length: 1_070_001 }, (_, i) => i / 3);
    const { path, offset, generation, written } = await new MemoryFiles().share("v", values);
    await written(values.length);
    console.log(JSON.stringify({ path, offset, generation }));
    setInterval(() => undefined, 1000);`;
  child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return JSON.parse(line.toString()) as { path: string; offset: number; generation: number };
}

describe.skipIf(hostIdentity() === "")("where processes see each other under /proc", () => {
  test("a vector of another process is read in any range, until that process is killed", async () => {
    const { path, offset, generation } = await sharingProcess();
    const reader = await MemoryFileReader.open(path);
    const target = new Float32Array(1000);
    await reader.read(offset + 1_069_001 * 4, floatsToBytes(target));
    expect([...target]).toEqual([...VALUES.subarray(1_069_001)]);
    expect(await reader.holds(generation)).toBe(true);
    await expect(reader.read(offset + 1_069_002 * 4, floatsToBytes(target))).rejects.toThrow(
      "ends 4 bytes too early",
    );
    await reader.close();
    expect(readlinkSync(path)).toContain("(deleted)");
    const killed = child as ChildProcess;
    killed.kill("SIGKILL");
    await once(killed, "exit");
    await expect(MemoryFileReader.open(path)).rejects.toThrow("ENOENT");
  });

  test("no file is left in a folder, whoever asks how often", async () => {
    const shared = await Promise.all([files.share("a", VALUES), files.share("a", VALUES)]);
    expect(shared[0]).toBe(shared[1]);
    const folder = readlinkSync(shared[0].path).replace(/\/vector.*$/, "");
    expect(readdirSync(folder.replace(/\/[^/]*$/, ""))).not.toContain(folder.split("/").at(-1));
  });

  test("values can be read as soon as they are said to be written", async () => {
    const shared = await files.share("pieces", VALUES);
    const reader = await MemoryFileReader.open(shared.path);
    for (let done = 0; done < VALUES.length;) {
      const written = await shared.written(done + 1);
      expect(written).toBeGreaterThan(done);
      const target = new Float32Array(written - done);
      await reader.read(shared.offset + done * 4, floatsToBytes(target));
      expect(
        floatsToBytes(target).equals(floatsToBytes(VALUES.subarray(done, written))),
        `values from ${done} on`,
      ).toBe(true);
      done = written;
    }
    await reader.close();
  });

  test("the oldest vector's file is written anew, and who still reads it notices", async () => {
    const first = await files.share("0", VALUES);
    await first.written(VALUES.length);
    const reader = await MemoryFileReader.open(first.path);
    const paths = new Set([first.path]);
    for (let i = 1; i <= 10; i++) {
      const shared = await files.share(String(i), VALUES.subarray(0, i));
      await shared.written(i);
      paths.add(shared.path);
      const others = await MemoryFileReader.open(shared.path);
      const target = new Float32Array(i);
      await others.read(shared.offset, floatsToBytes(target));
      expect(await others.holds(shared.generation)).toBe(true);
      expect([...target]).toEqual([...VALUES.subarray(0, i)]);
      await others.close();
    }
    expect(await reader.holds(first.generation)).toBe(false);
    expect(paths.size).toBe(4);
    await reader.close();
  });

  test("a vector is not shared while all files are being written", async () => {
    const large = new Float32Array(8 * 1024 * 1024);
    const shared = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) => files.share(`large ${i}`, large)),
    );
    expect(shared.map(({ status }) => status)).toEqual([
      ...Array.from({ length: 4 }, () => "fulfilled"),
      ...["rejected", "rejected"],
    ]);
  });

  test("the host id is the same for processes of one machine", () => {
    expect(hostIdentity()).toBe(files.hostId);
    expect(files.hostId).not.toBe("");
  });
});
