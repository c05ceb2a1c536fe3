import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type * as Core from "@gumshoe/core";
import { systemClock, WriteFailedError } from "@gumshoe/core";
import type { RunEventBody } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { BrokenLedgerError } from "../errors.js";
import { Ledger } from "./ledger.js";

const syncedFolders: string[] = [];
// A spy around the real sync: its absence would otherwise show only after a power failure.
vi.mock("@gumshoe/core", async (importOriginal) => {
  const original = await importOriginal<typeof Core>();
  const syncFolder = (folder: string) => {
    syncedFolders.push(folder);
    return original.syncFolder(folder);
  };
  return { ...original, syncFolder };
});

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ledger-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const file = () => join(folder, "events.jsonl");
const done = (iteration: number): RunEventBody => ({
  type: "iteration-done",
  iteration,
  metrics: { reward: 0.25 },
});
const openLedger = (mayWrite = () => Promise.resolve()) =>
  Ledger.open({ folder, clock: systemClock, mayWrite });

/** Limits the file size of this process (RLIMIT_FSIZE): writes fail as on a full disk. */
function limitFiles(bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
}

async function write(count: number): Promise<void> {
  const { ledger, events } = await openLedger();
  const first = events.length;
  await Promise.all(Array.from({ length: count }, (_, i) => ledger.append(done(first + i))));
  await ledger.close();
}

test("appended events are there when the ledger is opened again, numbered from 1", async () => {
  await write(3);
  await write(2);
  const { ledger, events } = await openLedger();
  expect(events.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(events.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4].map(done));
  await ledger.close();
});

test("a torn last line is truncated, and the next event replaces it", async () => {
  await write(2);
  const whole = readFileSync(file());
  writeFileSync(file(), whole.subarray(0, whole.length - 9));
  await write(1);
  const { ledger, events } = await openLedger();
  expect(events.map(({ body }) => body)).toEqual([0, 1].map(done));
  await ledger.close();
});

test("a ledger that is cut at any byte opens with its whole lines, and accepts events", async () => {
  await write(2);
  const whole = readFileSync(file());
  const second = whole.indexOf("\n") + 1;
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(file(), whole.subarray(0, length));
    const { ledger, events } = await openLedger();
    expect(events).toHaveLength(length < second ? 0 : 1);
    expect(statSync(file()).size).toBe(length < second ? 0 : second);
    await ledger.close();
  }
});

test("a flipped bit in any byte of any line is an error that names file, line and reason", async () => {
  await write(2);
  const whole = readFileSync(file());
  const second = whole.indexOf("\n") + 1;
  for (let at = 0; at < whole.length; at++) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] as number) ^ (1 << (at % 8));
    writeFileSync(file(), flipped);
    await expect(openLedger(), `byte ${at}`).rejects.toBeInstanceOf(BrokenLedgerError);
    // A broken ledger's file is left unchanged.
    expect(readFileSync(file()).equals(flipped)).toBe(true);
  }
  const flipped = Buffer.from(whole);
  flipped[second + 20] = (flipped[second + 20] as number) ^ 1;
  writeFileSync(file(), flipped);
  await expect(openLedger()).rejects.toMatchObject({
    file: file(),
    line: 2,
    reason: "its checksum is wrong",
    code: "DATA_LOSS",
  });
});

test.runIf(process.platform === "linux")("a ledger that cannot be read is closed", async () => {
  await write(1);
  appendFileSync(file(), "00000000 null\n");
  const links = () =>
    readdirSync("/proc/self/fd").filter((fd) => {
      try {
        return readlinkSync(join("/proc/self/fd", fd)) === file();
      } catch {
        return false;
      }
    });
  await expect(openLedger()).rejects.toThrow("line 2 is broken");
  expect(links()).toEqual([]);
});

test("an event that would not be read back is rejected, and nothing is written", async () => {
  const { ledger } = await openLedger();
  const spoiled: RunEventBody = { type: "iteration-done", iteration: 0, metrics: { a: 1, b: NaN } };
  const outcomes = await Promise.allSettled([ledger.append(spoiled), ledger.append(done(0))]);
  expect(outcomes[0]).toMatchObject({ status: "rejected", reason: { field: "metrics.b" } });
  expect(outcomes[1]).toMatchObject({ status: "fulfilled", value: { number: 1 } });
  await ledger.close();
  const { ledger: again, events } = await openLedger();
  expect(events.map(({ body }) => body)).toEqual([done(0)]);
  await again.close();
});

test("the directory entries of a new ledger and of its parent folders are synced", async () => {
  folder = join(folder, "run", "ledger");
  syncedFolders.length = 0;
  await write(1);
  expect(syncedFolders).toEqual([folder, join(folder, ".."), join(folder, "../..")]);
  await write(1);
  expect(syncedFolders).toHaveLength(3);
});

test("nothing is written while the fence is not confirmed", async () => {
  let open: () => void = () => undefined;
  const fence = new Promise<void>((resolve) => (open = resolve));
  const { ledger } = await openLedger(() => fence);
  const appended = ledger.append(done(0));
  await systemClock.sleep(30);
  expect(readFileSync(file(), "utf8")).toBe("");
  open();
  await appended;
  expect(readFileSync(file(), "utf8")).not.toBe("");
  await ledger.close();
});

test.runIf(process.platform === "linux")(
  "a write that fails half-way leaves no bytes, and uses no event number",
  async () => {
    const { ledger } = await openLedger();
    await ledger.append(done(0));
    limitFiles(statSync(file()).size + 20);
    await expect(ledger.append(done(1))).rejects.toThrow(WriteFailedError);
    limitFiles("unlimited");
    expect(readFileSync(file(), "utf8").split("\n").at(-1)).toHaveLength(20);
    await ledger.append(done(2));
    await ledger.close();
    const { ledger: again, events } = await openLedger();
    expect(events.map(({ number, body }) => [number, body])).toEqual([
      [1, done(0)],
      [2, done(2)],
    ]);
    await again.close();
  },
);

test("when the fence rejects a write, every waiting event fails, and the next one succeeds", async () => {
  let isOurs = false;
  const { ledger } = await openLedger(() =>
    isOurs ? Promise.resolve() : Promise.reject(new Error("the fence is lost")),
  );
  const refused = await Promise.allSettled([ledger.append(done(0)), ledger.append(done(1))]);
  expect(refused.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  isOurs = true;
  expect((await ledger.append(done(2))).number).toBe(1);
  await ledger.close();
});

test("a ledger can be open only once, in this process or another", async () => {
  const { ledger } = await openLedger();
  await expect(openLedger()).rejects.toThrow(
    `${folder}: its ledger is open already, in process ${process.pid}`,
  );
  await ledger.append(done(0));
  await ledger.close();
  await write(1);
});

test("a ledger whose file was moved away rejects events until it is back", async () => {
  folder = join(folder, "run", "ledger");
  const clock = { ...systemClock, monotonicMs: () => (now += 2000) };
  let now = 0;
  const { ledger } = await Ledger.open({ folder, clock, mayWrite: () => Promise.resolve() });
  await ledger.append(done(0));
  const run = join(folder, "..");
  renameSync(run, `${run}.away`);
  const refused = await Promise.allSettled([ledger.append(done(1))]);
  expect(refused[0]).toMatchObject({ reason: { cause: { code: "ENOENT" } } });
  mkdirSync(folder, { recursive: true });
  writeFileSync(file(), "");
  await expect(ledger.append(done(1))).rejects.toThrow("is not the file that was opened");
  rmSync(run, { recursive: true });
  renameSync(`${run}.away`, run);
  expect((await ledger.append(done(1))).number).toBe(2);
  await ledger.close();
  const { ledger: again, events } = await openLedger();
  expect(events.map(({ body }) => body)).toEqual([done(0), done(1)]);
  await again.close();
});
