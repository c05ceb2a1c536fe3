import { expect, test } from "vitest";

import { createCountingDevice } from "./counting-device.js";

test("what is allocated is counted until it is freed, once", () => {
  const device = createCountingDevice();
  const floats = device.alloc("f32", 10);
  device.alloc("f64", 3);
  expect(device.allocatedBytes).toBe(64);
  device.free(floats.slice(0, 5));
  expect(device.allocatedBytes).toBe(64);
  device.free(floats);
  device.free(floats);
  expect([device.allocatedBytes, floats.isAlive]).toEqual([24, false]);
  device.dispose();
  expect(device.allocatedBytes).toBe(0);
});

test("memory of others is not counted, and sizes and ranges are checked as on a real device", () => {
  const device = createCountingDevice();
  device.map(3, 1000, { writable: true });
  expect(device.allocatedBytes).toBe(0);
  expect(() => device.alloc("f32", -1)).toThrow("length is -1");
  expect(() => device.alloc("f32", 4).slice(2, 5)).toThrow(/2\.\.5 is outside 0\.\.4/);
  expect(() => device.createCommandList().run()).toThrow("runs nothing");
});
