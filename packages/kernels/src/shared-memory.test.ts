import { closeSync } from "node:fs";

import { afterEach, expect, test } from "vitest";

import { createCpuDevice } from "./cpu-device.js";
import { DisposedError, OutOfMemoryError, ShapeError } from "./errors.js";
import { fill } from "./ops/rows.js";
import { createSharedMemory, mapSharedMemory } from "./shared-memory.js";

const device = createCpuDevice({ threads: 1 });
const descriptors: number[] = [];
afterEach(() => descriptors.splice(0).forEach((descriptor) => closeSync(descriptor)));

function make(elements: number): number {
  const descriptor = createSharedMemory(elements);
  if (descriptor === null) throw new Error("this system has no shared memory");
  descriptors.push(descriptor);
  return descriptor;
}

test("a kernel's writes are visible through every mapping, including later ones", () => {
  const descriptor = make(1000);
  const seen = mapSharedMemory(descriptor, 1000, { writable: false });
  const tensor = device.map(descriptor, 1000, { writable: true });
  expect(seen?.values.every((value) => value === 0)).toBe(true);
  const list = device.createCommandList();
  fill(list, { x: tensor, value: 3, length: 1000 });
  list.run();
  expect(seen?.values.every((value) => value === 3)).toBe(true);
  seen?.release();
  seen?.release();
  expect(seen?.values).toHaveLength(0);
  device.free(tensor);
  expect(() => list.run()).toThrow(DisposedError);
  expect(mapSharedMemory(descriptor, 1000, { writable: false })?.values[999]).toBe(3);
});

test("memory that is mapped read-only is not written", () => {
  const tensor = device.map(make(10), 10, { writable: false });
  expect(() => device.write(tensor.slice(2, 4), new Float32Array(2))).toThrow(ShapeError);
  device.free(tensor);
});

test("a file that is too short is not mapped", () => {
  const descriptor = make(10);
  expect(mapSharedMemory(descriptor, 11, { writable: false })).toBeNull();
  expect(() => device.map(descriptor, 11, { writable: false })).toThrow(OutOfMemoryError);
});
