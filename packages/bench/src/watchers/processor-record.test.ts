import { setTimeout as sleep } from "node:timers/promises";

import { expect, test } from "vitest";

import { ProcessorRecord } from "./processor-record.js";

test.skipIf(process.platform !== "linux")(
  "recorded CPU time never decreases, and is interpolated between samples",
  async () => {
    const record = new ProcessorRecord(process.pid);
    const startMs = Date.now();
    await sleep(2);
    for (const used = process.cpuUsage(); process.cpuUsage(used).user < 20_000;);
    record.take();
    record.stop();
    const endMs = Date.now();
    const start = record.at(startMs) ?? Number.NaN;
    const middle = record.at((startMs + endMs) / 2) ?? Number.NaN;
    const end = record.at(endMs - 1) ?? Number.NaN;
    expect(middle).toBeGreaterThan(start);
    expect(end).toBeGreaterThan(middle);
    expect(record.at(endMs + 60_000)).toBeNull();
  },
);

test("a process that does not exist has no CPU time", () => {
  for (const pid of [null, 2 ** 30]) {
    const record = new ProcessorRecord(pid);
    record.stop();
    expect(record.at(Date.now())).toBeNull();
  }
});
