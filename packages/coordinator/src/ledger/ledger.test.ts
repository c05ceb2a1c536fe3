import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@gumshoe/core";
import { type RunEventBody } from "@gumshoe/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";

import { WriteFailedError } from "../errors.js";
import { Ledger } from "./ledger.js";

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

/** Lets no file of this process grow beyond some bytes: what a full disk does. */
function limitFiles(bytes: number | "unlimited"): void {
  execFileSync("prlimit", ["--pid", String(process.pid), `--fsize=${bytes}:unlimited`]);
}

async function write(count: number): Promise<void> {
  const { ledger, events } = await openLedger();
  const first = events.length;
  await Promise.all(Array.from({ length: count }, (_, i) => ledger.append(done(first + i))));
  await ledger.close();
}

test("what was appended is there when the ledger is opened again, numbered from 1", async () => {
  await write(3);
  await write(2);
  const { ledger, events } = await openLedger();
  expect(events.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5]);
  expect(events.map(({ body }) => body)).toEqual([0, 1, 2, 3, 4].map(done));
  await ledger.close();
});

test("a torn last line is cut off, and the next event takes its place", async () => {
  await write(2);
  const whole = readFileSync(file());
  writeFileSync(file(), whole.subarray(0, whole.length - 9));
  await write(1);
  const { ledger, events } = await openLedger();
  expect(events.map(({ body }) => body)).toEqual([0, 1].map(done));
  await ledger.close();
});

test("a last line that ends but is broken is cut off too", async () => {
  await write(1);
  appendFileSync(file(), '00000000 {"n":2}\n');
  const { ledger, events } = await openLedger();
  expect(events).toHaveLength(1);
  await ledger.close();
});

test("a broken line in the middle is an error that names it", async () => {
  await write(3);
  const lines = readFileSync(file(), "utf8").split("\n");
  lines[1] = (lines[1] as string).replace("0.25", "0.75");
  writeFileSync(file(), lines.join("\n"));
  await expect(openLedger()).rejects.toThrow("line 2 is broken");
});

test("nothing is written while the fence is in doubt", async () => {
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
  "a write that fails half-way leaves no trace, and takes no number",
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

test("when nothing may be written, every event that waits is refused, and the next one is not", async () => {
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
