/**
 * cuda.js on emulated GPUs, one class after the other; at the end, every function of its table was called.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import {
  type CudaContext,
  type CudaDriver,
  type CudaModule,
  DRIVER_FUNCTIONS,
} from "@gumshoe/cuda";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const KERNELS = readFileSync(new URL("kernels.cu", import.meta.url), "utf8");
const IPC_PEER = fileURLToPath(new URL("ipc-peer.mjs", import.meta.url));
const folder = emulatedFolder();

describe.skipIf(folder === null)("cuda.js on two emulated GPUs", () => {
  const logFolder = mkdtempSync(join(tmpdir(), "gumshoe-cuda-"));
  const log = join(logFolder, "calls.log");
  let emulated: EmulatedGpu;
  let driver: CudaDriver;
  let context: CudaContext;
  let module: CudaModule;

  beforeAll(() => {
    emulated = new EmulatedGpu(folder ?? "");
    emulated.set("gpus", 2);
    emulated.set("log", log);
    driver = emulated.openDriver();
    context = driver.gpu(0).createContext();
    module = context.loadModule(emulated.compile(KERNELS));
  });
  afterEach(() => emulated.set("schedule", 0));
  afterAll(() => {
    context.dispose();
    rmSync(logFolder, { recursive: true });
  });

  /** Puts numbers into memory of the device. */
  const put = (values: readonly number[]) => {
    const memory = context.allocate(values.length * 4);
    memory.write(Float32Array.from(values));
    return memory;
  };
  const get = (memory: { read(into: Float32Array): void; bytes: number }) => {
    const values = new Float32Array(memory.bytes / 4);
    memory.read(values);
    return [...values];
  };

  test("a driver tells its version and its GPUs", () => {
    expect(driver.version).toBe("13.0");
    expect(driver.gpuCount).toBe(2);
    const [first, second] = driver.gpus();
    expect(first?.name).toBe("Emulated GPU 0");
    expect(first?.computeCapability).toEqual([9, 0]);
    expect(first?.totalMemoryBytes).toBe(2 ** 30);
    expect(first?.attribute("warpSize")).toBe(32);
    expect(first?.pciBusId).toBe("0000:01:00.0");
    expect(second?.uuid).toBe("GPU-00000000-0000-0000-0000-000000000001");
    expect(first !== undefined && second !== undefined && first.canAccess(second)).toBe(true);
    expect(() => driver.gpu(7)).toThrow("gpu: there is no GPU 7 (this machine has 0 to 1)");
  });

  test("a context is made current by use, and tells its memory", () => {
    const other = driver.gpu(1).createContext();
    const before = other.memory();
    expect(other.isCurrent).toBe(true);
    expect(context.isCurrent).toBe(false);
    const memory = other.allocate(1000);
    expect(other.memory().freeBytes).toBeLessThan(before.freeBytes);
    expect(context.memory().freeBytes).toBeGreaterThan(0);
    other.dispose();
    other.dispose();
    expect(memory.isAlive).toBe(false);
    expect(() => other.memory()).toThrow("the context of GPU 1 was disposed");
  });

  test("memory is copied in, out and across, within its bounds", () => {
    const a = put([1, 2, 3, 4]);
    const b = context.allocate(16);
    expect(get(b)).toEqual([NaN, NaN, NaN, NaN]);
    b.copyFrom(a);
    b.write(Float32Array.of(9), 4);
    expect(get(b)).toEqual([1, 9, 3, 4]);
    expect(() => b.write(new Float32Array(4), 4)).toThrow(
      "values: 16 bytes from 4 on are not within its 16 bytes",
    );
    expect(() => b.at(17)).toThrow("offset");
    b.dispose();
    expect(() => b.read(new Float32Array(1))).toThrow("device memory was disposed");
  });

  test("streams copy pinned memory, fill, and work in order", async () => {
    const stream = context.createStream({ priority: context.streamPriorities[1] });
    const from = context.allocatePinned(16);
    const page = new Uint8Array(3 * 4096);
    const to = context.pin(page.subarray(0, 16));
    const a = context.allocate(16);
    const b = stream.allocate(16);
    from.floats.set([1, 2, 3, 4]);
    stream.upload(a.address, { memory: from });
    stream.fillBytes(a.at(4), 0, 4);
    stream.fillWords(a.at(8), 0x40a00000, 1);
    stream.copy(b.address, a.address, 16);
    stream.download({ memory: to }, b.address);
    b.dispose();
    expect(stream.isIdle).toBe(false);
    await stream.whenIdle();
    expect([...to.floats]).toEqual([1, 0, 5, 4]);
    expect(from.deviceAddress).toBe(from.hostAddress);
    expect(() => stream.upload(a.address, { memory: from, offset: 8, bytes: 12 })).toThrow("from");
    await stream[Symbol.asyncDispose]();
    expect(stream.isAlive).toBe(false);
    expect([...from.floats]).toEqual([1, 2, 3, 4]);
  });

  test("events order streams and tell the time", () => {
    const [first, second] = [context.createStream(), context.createStream()];
    const start = context.createEvent({ timing: true });
    const end = context.createEvent({ timing: true });
    const a = put([0]);
    first.record(start);
    first.fillWords(a.address, 0x3f800000, 1);
    first.record(end);
    expect(end.isReached).toBe(false);
    second.waitFor(end);
    const seen = context.allocatePinned(4);
    second.download({ memory: seen }, a.address);
    second.synchronize();
    expect(seen.floats[0]).toBe(1);
    expect(end.isReached).toBe(true);
    end.synchronize();
    expect(end.millisecondsSince(start)).toBeGreaterThanOrEqual(0);
    context.synchronize();
    for (const handle of [first, second, start, end]) handle.dispose();
  });

  test("kernels take every type of argument, and tell what they are made of", () => {
    const stream = context.createStream();
    const kernel = module.kernel("every_type", [
      ...(["address", "i32", "u32", "i64", "u64", "f32", "f64"] as const),
      { bytes: 64 },
    ]);
    const sum = context.allocate(8);
    const wide = new Uint8Array(Int32Array.from({ length: 16 }, (_, i) => i + 1).buffer);
    kernel.launch(
      { stream, grid: [1, 1, 1], block: [1] },
      ...([sum.address, -1, 2 ** 32 - 1, -(2n ** 40n), 2n ** 40n, 0.5, 0.25, wide] as const),
    );
    stream.synchronize();
    const result = new Float64Array(1);
    sum.read(result);
    expect(result[0]).toBe(-1 + 2 ** 32 - 1 + 0.75 + 1 + 16);
    expect(kernel.resources).toEqual({
      registers: 32,
      localBytes: 0,
      sharedBytes: 0,
      maxThreadsPerBlock: 1024,
    });
    kernel.allowSharedBytes(100 * 1024);
    expect(kernel.maxActiveBlocks(256, 100 * 1024)).toBe(2);
  });

  test("a captured graph does its work at each launch, and only then", () => {
    const [stream, other] = [context.createStream(), context.createStream()];
    const scale = module.kernel("scale", ["address", "f32", "i32"]);
    const [a, b] = [put([1, 2]), put([3, 4])];
    const [fork, join] = [context.createEvent(), context.createEvent()];
    const graph = stream.capture(() => {
      scale.launch({ stream, grid: 1, block: 32 }, a.address, 2, 2);
      expect(stream.isCapturing).toBe(true);
      stream.record(fork);
      other.waitFor(fork);
      scale.launch({ stream: other, grid: 1, block: 32 }, a.address, 10, 2);
      scale.launch({ stream, grid: 1, block: 32 }, b.address, 3, 2);
      other.record(join);
      stream.waitFor(join);
    });
    expect(stream.isCapturing).toBe(false);
    expect(graph.nodeCount).toBe(3);
    stream.synchronize();
    expect(get(a)).toEqual([1, 2]);
    stream.prepare(graph);
    for (const schedule of [0, 1, 7]) {
      emulated.set("schedule", schedule);
      stream.launch(graph);
      stream.synchronize();
    }
    expect([get(a), get(b)]).toEqual([
      [8000, 16000],
      [81, 108],
    ]);
    graph.dispose();
    expect(() => stream.launch(graph)).toThrow("graph was disposed");
  });

  test("a capture that fails leaves the stream as it was", () => {
    const [stream, other] = [context.createStream(), context.createStream()];
    const a = put([1]);
    expect(() =>
      stream.capture(() => {
        throw new Error("mine");
      }),
    ).toThrow("mine");
    expect(() => stream.capture(() => stream.synchronize())).toThrow(
      "cuStreamSynchronize: CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED (900)",
    );
    const event = context.createEvent();
    const unjoined = () =>
      stream.capture(() => {
        stream.record(event);
        other.waitFor(event);
        other.fillWords(a.address, 0, 1);
      });
    expect(unjoined).toThrow("cuStreamEndCapture: CUDA_ERROR_STREAM_CAPTURE_UNJOINED (904)");
    expect(stream.isCapturing).toBe(false);
    stream.fillWords(a.address, 0, 1);
    stream.synchronize();
    expect(get(a)).toEqual([0]);
  });

  test("GPUs copy from each other, and kernels read a peer's memory once they may", () => {
    const peer = driver.gpu(1).createContext();
    const theirs = peer.allocate(8);
    theirs.write(Float32Array.of(5, 6));
    const ours = context.allocate(8);
    const stream = context.createStream();
    stream.copyPeer(
      { address: ours.address, context },
      { address: theirs.address, context: peer },
      8,
    );
    stream.synchronize();
    expect(get(ours)).toEqual([5, 6]);
    context.enablePeerAccess(peer);
    context.enablePeerAccess(peer);
    module
      .kernel("scale", ["address", "f32", "i32"])
      .launch({ stream, grid: 1, block: 2 }, theirs.address, 2, 2);
    stream.synchronize();
    expect(get(theirs)).toEqual([10, 12]);
    context.disablePeerAccess(peer);
    context.disablePeerAccess(peer);
    peer.dispose();
  });

  test("another process works on memory and waits for events that were shared", () => {
    const memory = put([1, 2, 3]);
    const written = context.createEvent({ shared: true });
    const stream = context.createStream();
    const pinned = context.allocatePinned(12);
    pinned.floats.set([4, 5, 6]);
    stream.upload(memory.address, { memory: pinned });
    stream.record(written);
    const base64 = (handle: Uint8Array) => Buffer.from(handle).toString("base64");
    const message = {
      memory: base64(memory.shareHandle()),
      event: base64(written.shareHandle()),
      bytes: 12,
    };
    const child = spawnSync(
      process.execPath,
      [IPC_PEER, emulated.library, JSON.stringify(message)],
      {
        encoding: "utf8",
        env: { ...process.env, GUMSHOE_EMULATED_LOG: log },
      },
    );
    expect(child.stderr).toBe("");
    expect(JSON.parse(child.stdout)).toEqual({ values: [4, 5, 6] });
    expect(get(memory)).toEqual([8, 10, 12]);
    // Its own handle is refused, as by the driver.
    expect(() => context.openMemory(memory.shareHandle(), 12)).toThrow("INVALID_CONTEXT");
  });

  test("a context gives back all that belongs to it", () => {
    const other = driver.gpu(1).createContext();
    const kinds = ["memory", "streams", "events", "graphs", "modules", "pinned"] as const;
    const before = kinds.map((kind) => emulated.live(kind));
    const image = emulated.compile(KERNELS);
    const stream = other.createStream();
    const memory = other.allocate(256);
    other.allocatePinned(256);
    other.createEvent();
    other.loadModule(image);
    stream.capture(() => stream.fillWords(memory.address, 0, 64));
    expect(kinds.map((kind) => emulated.live(kind))).toEqual(before.map((count) => count + 1));
    other.dispose();
    expect(kinds.map((kind) => emulated.live(kind))).toEqual(before);
  });

  test("10,000 launches leave nothing behind", () => {
    const stream = context.createStream();
    const scale = module.kernel("scale", ["address", "f32", "i32"]);
    const a = put([1]);
    const launch = (count: number) => {
      for (let i = 0; i < count; i++) {
        const event = context.createEvent();
        scale.launch({ stream, grid: 1, block: 1 }, a.address, 1, 1);
        stream.record(event);
        event.dispose();
        if (i % 100 === 0) stream.synchronize();
      }
      stream.synchronize();
    };
    launch(1000);
    const kinds = ["memory", "streams", "events", "graphs"] as const;
    const before = kinds.map((kind) => emulated.live(kind));
    const residentBefore = process.memoryUsage().rss;
    launch(10_000);
    expect(kinds.map((kind) => emulated.live(kind))).toEqual(before);
    expect(emulated.calls("cuLaunchKernel")).toBeGreaterThan(11_000);
    // A leak of one handle's objects for each launch would be several MB more.
    expect(process.memoryUsage().rss - residentBefore).toBeLessThan(30e6);
    expect(get(a)).toEqual([1]);
  });

  test("every function of the table was called", () => {
    const lines = readFileSync(log, "utf8").trim().split("\n");
    const called = new Set(lines.map((line) => line.split(" ")[1]));
    const missing = Object.keys(DRIVER_FUNCTIONS).filter((name) => !called.has(name));
    expect(missing).toEqual([]);
  });
});
