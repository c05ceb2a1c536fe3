/** The CUDA device, through the driver's interface, on emulated GPUs: the CPU's bits, and the CPU's errors. */
import {
  compareDevices,
  createCpuDevice,
  createSharedMemory,
  type Device,
  mapSharedMemory,
  ops,
  OutOfMemoryError,
  OutOfRangeIdError,
  PeakProbe,
  ShapeError,
} from "@gumshoe/kernels";
import { DeviceLostError, namedDevices, openDevice } from "@gumshoe/gpu";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const MIB = 2 ** 20;
const MEMORY_MIB = 64;
const folder = emulatedFolder();

describe.skipIf(folder === null)("a CUDA device", () => {
  let emulated: EmulatedGpu;
  let gpu: Device;

  const open = (ordinal = 0) => openDevice({ type: "cuda", ordinal }, { environment: {} });

  beforeAll(() => {
    // Once it is loaded, the system's name for the driver finds it.
    emulated = new EmulatedGpu(folder ?? "");
    emulated.set("gpus", 4);
    emulated.set("memory", MEMORY_MIB * MIB);
  });
  beforeEach(() => {
    gpu = open();
  });
  afterEach(() => {
    emulated.set("faults", "");
    emulated.set("schedule", 0);
    gpu.dispose();
    expect(emulated.live("memory") + emulated.live("streams")).toBe(0);
  });

  test.each([0, 1, 7])("has the CPU's bits in every operation, in schedule %d", (schedule) => {
    emulated.set("schedule", schedule);
    const cpu = createCpuDevice({ threads: 1 });
    const cases = [...compareDevices(cpu, gpu)];
    cpu.dispose();
    expect(cases.filter(({ difference }) => difference !== null)).toEqual([]);
    expect(cases.reduce((sum, { numElements }) => sum + numElements, 0)).toBeGreaterThan(200_000);
  });

  test("the comparison finds a kernel that is broken by one bit", () => {
    const broken = createCpuDevice({ threads: 1, fault: "decode-attention" });
    // Only a single new token's attention is broken: the packs of one prompt's answers have no such one.
    expect([...compareDevices(broken, gpu)].every(({ numDifferent }) => numDifferent === 0)).toBe(
      true,
    );
    broken.dispose();
    const [cpu, other] = [createCpuDevice({ threads: 1 }), nudged(gpu)];
    const found = [...compareDevices(cpu, other)].filter(({ numDifferent }) => numDifferent > 0);
    cpu.dispose();
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]?.difference).toMatch(/^element \d+ of tensor \d+ is .*, not /);
  });

  test.each([0, 1, 3])("a list that runs again is a graph, in schedule %d", (schedule) => {
    emulated.set("schedule", schedule);
    const [x, y] = [gpu.alloc("f32", 3000), gpu.alloc("f32", 3000)];
    const list = gpu.createCommandList();
    ops.add(list, { x, y, length: 3000 });
    const launches = () => [emulated.calls("cuLaunchKernel"), emulated.calls("cuGraphLaunch")];
    const before = launches();
    const sums: number[] = [];
    for (const value of [1, 10, 100]) {
      gpu.write(x, new Float32Array(3000).fill(value));
      list.run();
      const values = new Float32Array(3000);
      gpu.read(y, values);
      expect(new Set(values).size).toBe(1);
      sums.push(values[2999] ?? NaN);
    }
    expect(sums).toEqual([1, 11, 111]);
    // Launched, then captured, then both times as a graph.
    expect(launches().map((count, i) => count - (before[i] ?? 0))).toEqual([2, 2]);
    ops.add(list, { x, y, length: 1 });
    list.run();
    const values = new Float32Array(2);
    gpu.read(y, values);
    expect([...values]).toEqual([311, 211]);
  });

  test("memory is zeroed, also where it was used before", () => {
    for (let i = 0; i < 3; i++) {
      const tensor = gpu.alloc("f32", 1000);
      const values = new Float32Array(1000).fill(9);
      gpu.read(tensor, values);
      expect(values.every((value) => value === 0)).toBe(true);
      gpu.write(tensor, values.fill(7));
      gpu.free(tensor);
    }
  });

  test("copies of any size arrive whole, and an array may change as soon as it was written", () => {
    emulated.set("schedule", 5);
    const length = 3 * MIB + 5;
    const tensor = gpu.alloc("i32", length);
    const values = Int32Array.from({ length }, (_, i) => i);
    gpu.write(tensor, values);
    gpu.write(tensor.slice(10, 12), Int32Array.of(-1, -2));
    values.fill(0);
    const read = new Int32Array(length);
    gpu.read(tensor, read);
    expect([read[0], read[9], read[10], read[11], read[length - 1]]).toEqual([
      ...[0, 9, -1, -2],
      length - 1,
    ]);
    expect(read.findIndex((value, i) => value !== i && i !== 10 && i !== 11)).toBe(-1);
  });

  test("an id outside its table is the CPU's error, and the device works on", () => {
    const [table, y] = [gpu.alloc("f32", 40), gpu.alloc("f32", 8)];
    const ids = gpu.alloc("i32", 2);
    gpu.write(ids, Int32Array.of(0, 10));
    const list = gpu.createCommandList();
    ops.fill(list, { x: table, value: 3, length: 40 });
    ops.embedding(list, { ids, table, y, rows: 2, width: 4, vocabulary: 10 });
    for (let i = 0; i < 2; i++) expect(() => list.run()).toThrow(OutOfRangeIdError);
    expect(() => list.run()).toThrow(/embedding/);
    gpu.write(ids, Int32Array.of(0, 9));
    list.run();
    const values = new Float32Array(8);
    gpu.read(y, values);
    expect(new Set(values)).toEqual(new Set([3]));
  });

  test("without memory for a tensor what was freed is given back, and then it is an error", () => {
    // Together they fill the GPU unless freed blocks are given back.
    for (let i = 1; i <= 16; i++) gpu.free(gpu.alloc("f32", i * (MIB / 4)));
    const before = gpu.availableBytes();
    const wanted = 40;
    const large = gpu.alloc("f32", wanted * (MIB / 4));
    expect(gpu.availableBytes()).toBe((before ?? 0) - wanted * MIB);
    expect(() => gpu.alloc("f32", 16 * MIB)).toThrow(
      /^no memory for a f32 tensor of 64\.0 MiB on cuda:0, which has 0\.\d\d of 0\.06 GiB free$/,
    );
    expect(() => gpu.alloc("f32", 16 * MIB)).toThrow(OutOfMemoryError);
    gpu.free(large);
  });

  test("without scratch memory for an operation a list is refused, and others run on", () => {
    const [rows, width, vocabulary] = [2000, 1, 20_000];
    const x = gpu.alloc("f32", rows * width);
    const weight = gpu.alloc("f32", ops.packedLength(vocabulary, width));
    const invTemperature = gpu.alloc("f32", rows);
    const [draws, ids] = [gpu.alloc("u32", 2 * rows), gpu.alloc("i32", rows)];
    const logprobs = gpu.alloc("f32", rows);
    const list = gpu.createCommandList();
    const shape = { rows, width, vocabulary };
    const truncation = null;
    ops.headSample(list, { x, weight, invTemperature, draws, ids, logprobs, truncation, ...shape });
    for (let i = 0; i < 2; i++) {
      expect(() => list.run()).toThrow(/^no memory for the scratch memory of a list on cuda:0, /);
    }
    list.reset();
    ops.fill(list, { x: logprobs, value: 1, length: rows });
    list.run();
  });

  test("its peak is measured by as many operations as it says", () => {
    const probe = new PeakProbe(gpu, 2);
    // Rounds, operations of a fused one, chains of a thread, threads, blocks.
    expect(probe.run()).toBe(2 * 2 * 16 * 256 * 16_384);
    probe.free();
  });

  test("a mapped file is copied, and copied back by commit", () => {
    const { descriptor, values } = sharedFile(100);
    values.fill(2);
    const tensor = gpu.map(descriptor, 100, { writable: true });
    const list = gpu.createCommandList();
    ops.add(list, { x: tensor, y: tensor, length: 100 });
    list.run();
    expect(new Set(values)).toEqual(new Set([2]));
    gpu.commit(tensor);
    expect(new Set(values)).toEqual(new Set([4]));
    gpu.free(tensor);
    const readOnly = gpu.map(descriptor, 100, { writable: false });
    expect(() => gpu.write(readOnly, new Float32Array(1))).toThrow(ShapeError);
    expect(() => gpu.map(descriptor, 101, { writable: false })).toThrow(OutOfMemoryError);
  });

  test("kernels work in a file's own memory, beside what other processes write to it", () => {
    const { descriptor, values } = sharedFile(100);
    const tensor = gpu.map(descriptor, 100, { writable: true, residence: "host" });
    values.fill(5, 50);
    const list = gpu.createCommandList();
    ops.fill(list, { x: tensor.slice(0, 50), value: 1, length: 50 });
    list.run();
    expect([...values]).toEqual(Array.from({ length: 100 }, (_, i) => (i < 50 ? 1 : 5)));
    const read = new Float32Array(2);
    gpu.read(tensor, read, 49);
    expect([...read]).toEqual([1, 5]);
    gpu.free(tensor);
    expect(() => list.run()).toThrow("was disposed");
  });

  test.each([
    ["there is no such GPU", "", 7, "cuda:7: there is no GPU 7 (this machine has 0 to 3)"],
    [
      "a process has it alone",
      "cuDevicePrimaryCtxRetain=46",
      1,
      "cuda:1: Emulated GPU 1 is in use",
    ],
    ["it is full", "cuDevicePrimaryCtxRetain=2", 1, "cuda:1: Emulated GPU 1 has no memory left"],
    [
      "the driver is too old",
      "cuModuleLoadDataEx=222",
      2,
      "cuda:2: the driver (CUDA 13.0) does not",
    ],
  ])("when %s, one line says so", (_title, fault, ordinal, message) => {
    const [call = "", status = ""] = fault.split("=");
    if (fault !== "") emulated.set("faults", `${call}@1=${status}`);
    const refused = (() => {
      try {
        open(ordinal).dispose();
        return null;
      } catch (thrown) {
        return thrown as Error;
      }
    })();
    expect(refused?.message).toContain(message);
    expect(refused?.message).not.toContain("\n");
  });

  test("a driver for an older CUDA is refused", () => {
    emulated.set("version", 11_040);
    expect(() => open(1)).toThrow(
      "cuda:1: the driver supports CUDA 11.4, and 12.0 or newer is needed",
    );
    emulated.set("version", 13_000);
  });

  test("workers are given devices by name", () => {
    const text = (names: string) => namedDevices("--device", names).map((name) => ({ ...name }));
    expect(text("cuda")).toEqual([0, 1, 2, 3].map((ordinal) => ({ type: "cuda", ordinal })));
    expect(text("cpu,cuda:3")).toEqual([{ type: "cpu" }, { type: "cuda", ordinal: 3 }]);
    expect(() => text("cuda:4")).toThrow("cuda:4: there is no GPU 4");
    expect(() => text("gpu")).toThrow("--device: gpu is no device (cpu, or cuda:N for GPU N)");
  });

  test("a kernel that fails loses the device to the process", () => {
    const x = gpu.alloc("f32", 1);
    const list = gpu.createCommandList();
    ops.fill(list, { x, value: 1, length: 1 });
    emulated.set("faults", "cuStreamSynchronize@1=719");
    expect(() => list.run()).toThrow(DeviceLostError);
  });
});

function sharedFile(length: number): { descriptor: number; values: Float32Array } {
  const descriptor = createSharedMemory(length);
  const mapping =
    descriptor === null ? null : mapSharedMemory(descriptor, length, { writable: true });
  if (descriptor === null || mapping === null) throw new Error("there is no shared memory");
  return { descriptor, values: mapping.values };
}

/** A device whose results of f32 are off by one bit. */
function nudged(device: Device): Device {
  const read: Device["read"] = (tensor, into, at) => {
    device.read(tensor, into, at);
    if (!(into instanceof Float32Array)) return;
    const bits = new Uint32Array(into.buffer, into.byteOffset, into.length);
    bits[0] = (bits[0] ?? 0) ^ 1;
  };
  return new Proxy(device, {
    get: (target, name) => {
      if (name === "read") return read;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
