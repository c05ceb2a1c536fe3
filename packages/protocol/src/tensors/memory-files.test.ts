import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { afterEach, describe, expect, test } from "vitest";

import { floatsToBytes } from "./floats.js";
import { MemoryFiles, placeOfProcess, readMemoryFile } from "./memory-files.js";

const VALUES = Float32Array.from({ length: 70_001 }, (_, i) => i / 3);
const MODULE = new URL("../../dist/tensors/memory-files.js", import.meta.url).href;

const files = new MemoryFiles();
let child: ChildProcess | null = null;
afterEach(async () => {
  child?.kill("SIGKILL");
  child = null;
  await files.close();
});

/** Another process that shares VALUES and says where they are. */
async function sharingProcess(): Promise<string> {
  const script = `
    import { MemoryFiles } from ${JSON.stringify(MODULE)};
    const values = Float32Array.from({ length: 70_001 }, (_, i) => i / 3);
    console.log(await new MemoryFiles().share("v", values));
    setInterval(() => undefined, 1000);`;
  child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: fileURLToPath(new URL(".", import.meta.url)),
  });
  const [line] = (await once(child.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
  return line.toString().trim();
}

describe.skipIf(placeOfProcess() === "")("where processes see each other under /proc", () => {
  test("a vector of another process is read in any range, until that process is killed", async () => {
    const path = await sharingProcess();
    const target = new Float32Array(1000);
    await readMemoryFile(path, 69_001 * 4, floatsToBytes(target));
    expect([...target]).toEqual([...VALUES.subarray(69_001)]);
    await expect(readMemoryFile(path, 69_002 * 4, floatsToBytes(target))).rejects.toThrow(
      "ends 4 bytes too early",
    );
    expect(readlinkSync(path)).toContain("(deleted)");
    const killed = child as ChildProcess;
    killed.kill("SIGKILL");
    await once(killed, "exit");
    await expect(readMemoryFile(path, 0, floatsToBytes(target))).rejects.toThrow("ENOENT");
  });

  test("no file is left in a folder, whoever asks how often", async () => {
    const paths = await Promise.all([files.share("a", VALUES), files.share("a", VALUES)]);
    expect(paths[0]).toBe(paths[1]);
    const folder = readlinkSync(paths[0]).replace(/\/vector.*$/, "");
    expect(readdirSync(folder.replace(/\/[^/]*$/, ""))).not.toContain(folder.split("/").at(-1));
  });

  test("the oldest vector gives way, and who has opened it reads on", async () => {
    const first = await files.share("0", VALUES);
    const link = readlinkSync(first);
    for (let i = 1; i <= 4; i++) await files.share(String(i), VALUES.subarray(0, i));
    await expect.poll(() => linkOf(first)).not.toBe(link);
  });

  test("the place is the same for processes of one machine", () => {
    expect(placeOfProcess()).toBe(files.place);
    expect(files.place).not.toBe("");
  });
});

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
