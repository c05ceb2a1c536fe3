/**
 * Mistakes of programs that use a GPU, each planted in a small program, and each found on emulated GPUs: as wrong
 * numbers, or as the error that a GPU would give.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import type { CudaContext, CudaDriver, CudaModule, DeviceAddress } from "@gumshoe/cuda";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const KERNELS = readFileSync(new URL("kernels.cu", import.meta.url), "utf8");
/** Work is done as late as allowed, at once, and in the order of three seeds. */
const SCHEDULES = [0, 1, 2, 3, 4] as const;
const folder = emulatedFolder();

describe.skipIf(folder === null)("a mistake is found on emulated GPUs", () => {
  let emulated: EmulatedGpu;
  let driver: CudaDriver;
  let image: Uint8Array;
  let context: CudaContext;
  let module: CudaModule;

  beforeAll(() => {
    emulated = new EmulatedGpu(folder ?? "");
    emulated.set("gpus", 2);
    driver = emulated.openDriver();
    image = emulated.compile(KERNELS);
  });
  beforeEach(() => {
    context = driver.gpu(0).createContext();
    module = context.loadModule(image);
  });
  afterEach(() => {
    context.dispose();
    emulated.set("schedule", 0);
  });

  const scaleKernel = () => module.kernel("scale", ["address", "f32", "i32"]);

  /** Doubles a number in one stream and reads it in another, with an event between or without. */
  const acrossStreams = (isWaitedFor: boolean): number | undefined => {
    const [producer, consumer] = [context.createStream(), context.createStream()];
    const memory = context.allocate(4);
    memory.write(Float32Array.of(1));
    const event = context.createEvent();
    const result = context.allocatePinned(4);
    scaleKernel().launch({ stream: producer, grid: 1, block: 1 }, memory.address, 2, 1);
    producer.record(event);
    if (isWaitedFor) consumer.waitFor(event);
    consumer.download({ memory: result }, memory.address);
    consumer.synchronize();
    return result.floats[0];
  };

  test("an event that is not waited for gives numbers that depend on the schedule", () => {
    const results = (isWaitedFor: boolean) =>
      SCHEDULES.map((schedule) => {
        emulated.set("schedule", schedule);
        return acrossStreams(isWaitedFor);
      });
    expect(results(true)).toEqual([2, 2, 2, 2, 2]);
    const wrong = results(false);
    expect(wrong[0]).toBe(1);
    expect(new Set(wrong)).toEqual(new Set([1, 2]));
  });

  /** Uploads two numbers through one staging buffer. */
  const throughStaging = (isWaitedFor: boolean): number[] => {
    const stream = context.createStream();
    const staging = context.allocatePinned(4);
    const copied = context.createEvent();
    const targets = [context.allocate(4), context.allocate(4)];
    targets.forEach((target, i) => {
      if (isWaitedFor) copied.synchronize();
      staging.floats[0] = i + 1;
      stream.upload(target.address, { memory: staging });
      stream.record(copied);
    });
    stream.synchronize();
    return targets.map((target) => {
      const value = new Float32Array(1);
      target.read(value);
      return value[0] ?? NaN;
    });
  };

  test("a staging buffer that is used again too early sends its second content twice", () => {
    expect(throughStaging(true)).toEqual([1, 2]);
    expect(throughStaging(false)).toEqual([2, 2]);
  });

  test("memory that is read before anything was written to it holds NaNs", () => {
    const value = new Float32Array(1);
    context.allocate(4).read(value);
    expect(value[0]).toBeNaN();
  });

  test("a copy that names the wrong peer is refused", () => {
    const peer = driver.gpu(1).createContext();
    const [ours, theirs] = [context.allocate(8), peer.allocate(8)];
    const stream = context.createStream();
    const to = { address: ours.address, context };
    const copy = (from: { address: DeviceAddress; context: CudaContext }) => {
      stream.copyPeer(to, from, 8);
    };
    copy({ address: theirs.address, context: peer });
    expect(() => copy({ address: theirs.address, context })).toThrow(
      "cuMemcpyPeerAsync: CUDA_ERROR_INVALID_VALUE (1)",
    );
    expect(emulated.failure).toContain("is not GPU 0's");
    expect(() => copy({ address: ours.address, context: peer })).toThrow("INVALID_VALUE");
    stream.synchronize();
    peer.dispose();
  });

  test.each([
    ["another GPU's memory without peer access", (at: { theirs: DeviceAddress }) => at.theirs],
    ["memory that was given back", (at: { freed: DeviceAddress }) => at.freed],
    ["memory behind its end", (at: { behind: DeviceAddress }) => at.behind],
    ["address 0", () => null],
  ])("a kernel that touches %s loses its context", (_title, choose) => {
    const peer = driver.gpu(1).createContext();
    const [ours, old] = [context.allocate(256), context.allocate(256)];
    old.dispose();
    const places = {
      theirs: peer.allocate(4).address,
      freed: old.address,
      behind: ours.at(256),
    };
    const stream = context.createStream();
    scaleKernel().launch({ stream, grid: 1, block: 1 }, choose(places), 2, 1);
    const lost =
      "CUDA_ERROR_ILLEGAL_ADDRESS (700): illegal address; an earlier launch may be the cause";
    expect(() => stream.synchronize()).toThrow(`cuStreamSynchronize: ${lost}`);
    expect(() => context.allocate(4)).toThrow(`cuMemAlloc_v2: ${lost}`);
    peer.dispose();
  });

  test("an argument of the wrong size, or one too few, is refused before a launch", () => {
    expect(() => module.kernel("scale", ["address", "f64", "i32"])).toThrow(
      "kernel scale: parameter 1 has 4 bytes in its module, and 8 were declared",
    );
    expect(() => module.kernel("scale", ["address", "f32"])).toThrow(
      "kernel scale: has 3 parameters in its module, and 2 were declared",
    );
    const stream = context.createStream();
    const launch = (value: number) => {
      scaleKernel().launch({ stream, grid: 1, block: 1 }, null, 1, value);
    };
    expect(() => launch(1.5)).toThrow("kernel scale: argument 2 is not of type i32");
    expect(() => launch(2 ** 31)).toThrow("kernel scale: argument 2 is not of type i32");
  });

  test("a launch that no GPU could do is refused", () => {
    const stream = context.createStream();
    const launch = (grid: number, block: number, sharedBytes = 0) => {
      scaleKernel().launch({ stream, grid, block, sharedBytes }, null, 1, 1);
    };
    expect(() => launch(0, 1)).toThrow("cuLaunchKernel(scale): CUDA_ERROR_INVALID_VALUE (1)");
    expect(() => launch(1, 2048)).toThrow("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)");
    expect(() => launch(1, 1, 64 * 1024)).toThrow("CUDA_ERROR_INVALID_VALUE (1)");
  });

  test("memory that is given back while another GPU still copies from it is found", () => {
    const peer = driver.gpu(1).createContext();
    const [ours, theirs] = [context.allocate(8), peer.allocate(8)];
    const stream = context.createStream();
    const from = { address: theirs.address, context: peer };
    stream.copyPeer({ address: ours.address, context }, from, 8);
    theirs.dispose();
    expect(() => stream.synchronize()).toThrow("CUDA_ERROR_ILLEGAL_ADDRESS");
    peer.dispose();
  });

  test("pooled memory that another stream uses without waiting for it is not there", () => {
    const [owner, other] = [context.createStream(), context.createStream()];
    const memory = owner.allocate(4);
    other.fillWords(memory.address, 0, 1);
    expect(() => other.synchronize()).toThrow("CUDA_ERROR_ILLEGAL_ADDRESS");
    expect(emulated.failure).toContain("its stream has not allocated it yet");
  });

  test("a host that reads device memory dies at once", () => {
    const program = `
      import koffi from "koffi";
      import { CudaDriver } from "@gumshoe/cuda";
      const context = CudaDriver.open({ library: ${JSON.stringify(emulated.library)} }).gpu(0).createContext();
      const { address } = context.allocate(4096);
      process.stdout.write("allocated");
      process.stdout.write(String(new Uint8Array(koffi.view(BigInt(address), 4096))[0]));`;
    const child = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
      cwd: new URL("..", import.meta.url),
    });
    expect(child.stdout).toBe("allocated");
    expect(child.signal).toBe("SIGSEGV");
  });
});
