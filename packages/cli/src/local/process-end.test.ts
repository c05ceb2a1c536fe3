import { expect, test } from "vitest";

import { describeEnd, MemoryWatch } from "./process-end.js";

const GB = 1e9;
const quiet = { memory: null, complaint: () => null };

test.each([
  [{ code: 0, signal: null }, "exit code 0"],
  [{ code: 3, signal: null }, "exit code 3"],
  [{ code: null, signal: "SIGSEGV" as const }, "SIGSEGV"],
  [{ code: null, signal: "SIGKILL" as const }, "SIGKILL"],
])("an end by %j is %s", (end, words) => {
  expect(describeEnd({ ...quiet, ...end })).toBe(words);
});

test("a process that fails is described with the last complaint of its log", () => {
  const end = { code: 1, signal: null, memory: null, complaint: () => "the engine died" };
  expect(describeEnd(end)).toBe("exit code 1: the engine died");
});

test("a kill while the system's count of kills rises is one for want of memory", () => {
  const memory = { heldBytes: 8.8 * GB, limitBytes: 24 * GB, outOfMemory: true };
  const killed = { ...quiet, code: null, signal: "SIGKILL" as const };
  const words = "killed by the system, out of memory";
  expect(describeEnd({ ...killed, memory })).toBe(`${words}: it held 8.8 of 24.0 GB`);
  expect(describeEnd({ ...killed, memory: { ...memory, heldBytes: null } })).toBe(words);
  expect(describeEnd({ ...killed, memory: { ...memory, heldBytes: 812e6 } })).toBe(
    `${words}: it held 812 MB of 24.0 GB`,
  );
  expect(describeEnd({ ...killed, memory: { ...memory, outOfMemory: false } })).toBe("SIGKILL");
});

test.runIf(process.platform === "linux")("the memory of a process is what it holds", () => {
  const watch = new MemoryWatch(process.pid);
  try {
    const { heldBytes, limitBytes, outOfMemory } = watch.usage();
    const { rss } = process.memoryUsage();
    expect(heldBytes).toBeGreaterThan(rss / 2);
    expect(heldBytes).toBeLessThan(rss * 2);
    expect(limitBytes).toBeGreaterThan(rss);
    expect(outOfMemory).toBe(false);
  } finally {
    watch.stop();
  }
});
