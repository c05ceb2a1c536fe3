import { expect, test } from "vitest";

import { releaseMemory } from "./release-memory.js";

test("memory is freed at once, without a garbage collection", () => {
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 64; i++) {
    const message = Buffer.alloc(4_000_000, i);
    const content = message.subarray(17);
    releaseMemory(content);
    expect(content.byteLength).toBe(0);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4_000_000);
  }
});

test("memory that other objects may use is kept", () => {
  const whole = Buffer.alloc(100_000, 7);
  for (const part of [whole.subarray(0, 50_000), whole.subarray(99_999), whole.subarray(0, 0)]) {
    releaseMemory(part);
  }
  expect(whole.every((byte) => byte === 7)).toBe(true);
  const shared = new Uint8Array(new SharedArrayBuffer(1000));
  releaseMemory(shared);
  expect(shared.byteLength).toBe(1000);
});
