/** What cuda.js says when the driver, a GPU, a module or the compiler is not as it must be. */
import { readFileSync } from "node:fs";

import {
  type CudaContext,
  CudaDriver,
  CudaError,
  DriverTooOldError,
  MissingFunctionError,
  MissingLibraryError,
  Nvrtc,
} from "@gumshoe/cuda";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const STATUSES = readFileSync(
  new URL("../../packages/cuda/fake-driver/status.cpp", import.meta.url),
  "utf8",
);
/** All statuses of CUDA 13, as `[number, name]`. */
const ALL_STATUSES = [...STATUSES.matchAll(/\{(\d+), "(CUDA_ERROR_\w+)"\}/g)].map(
  ([, number, name]) => [Number(number), name ?? ""] as const,
);
const folder = emulatedFolder();
const thrownBy = (work: () => unknown): unknown => {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
};

test("a driver that is absent is one error that says where it was looked for", () => {
  const error = thrownBy(() => CudaDriver.open({ library: "/nowhere/libcuda.so.1" }));
  expect(error).toBeInstanceOf(MissingLibraryError);
  expect(error).toMatchObject({ code: "FAILED_PRECONDITION", library: "the CUDA driver" });
  expect(String(error)).toMatch(
    /the CUDA driver cannot be loaded; looked for: \/nowhere\/libcuda\.so\.1 \(.*No such file.*\)\. It comes with/,
  );
});

test("a compiler that is absent is one error with every place", () => {
  const places = { library: null, environment: {}, folders: [] };
  const error = thrownBy(() => Nvrtc.open({ ...places, newestMajor: 11 }));
  expect(String(error)).toMatch(/NVRTC.* cannot be loaded; looked for: nothing\. It comes with/);
});

test("a library that is no driver is an error that names the function it lacks", () => {
  const error = thrownBy(() => CudaDriver.open({ library: "libm.so.6" }));
  expect(error).toBeInstanceOf(MissingFunctionError);
  expect(String(error)).toContain("the CUDA driver has no function cuDriverGetVersion");
});

describe.skipIf(folder === null)("on an emulated GPU", () => {
  let emulated: EmulatedGpu;
  let context: CudaContext;

  beforeAll(() => {
    emulated = new EmulatedGpu(folder ?? "");
    emulated.set("gpus", 1);
    context = emulated.openDriver().gpu(0).createContext();
  });
  afterEach(() => {
    emulated.set("faults", "");
    emulated.set("version", 13_000);
  });
  afterAll(() => context.dispose());

  test("a driver that is too old is refused with both versions", () => {
    emulated.set("version", 11_040);
    const error = thrownBy(() => emulated.openDriver());
    expect(error).toBeInstanceOf(DriverTooOldError);
    expect(error).toMatchObject({ found: "11.4", needed: "12.0" });
  });

  test("a driver without a GPU is NOT_FOUND", () => {
    emulated.set("faults", "cuInit@1=100");
    expect(thrownBy(() => emulated.openDriver())).toMatchObject({
      code: "NOT_FOUND",
      call: "cuInit",
      status: { number: 100, name: "CUDA_ERROR_NO_DEVICE" },
    });
  });

  test("each status is an error with call, number, name and text", () => {
    expect(ALL_STATUSES.length).toBeGreaterThan(90);
    for (const [number, name] of ALL_STATUSES) {
      emulated.set("faults", `cuMemAlloc_v2@1=${number}`);
      const error = thrownBy(() => context.allocate(4));
      expect(error).toBeInstanceOf(CudaError);
      expect(error).toMatchObject({ call: "cuMemAlloc_v2", status: { number, name } });
      expect(String(error)).toContain(`cuMemAlloc_v2: ${name} (${number}): `);
    }
    expect(emulated.live("memory")).toBe(0);
  });

  test("a status that the driver does not know keeps its number", () => {
    emulated.set("faults", "cuMemAlloc_v2@1=12345");
    expect(String(thrownBy(() => context.allocate(4)))).toContain(
      "cuMemAlloc_v2: CUresult 12345 (12345): unknown to this driver",
    );
  });

  test.each([
    [2, "RESOURCE_EXHAUSTED", false],
    [1, "INVALID_ARGUMENT", false],
    [201, "FAILED_PRECONDITION", false],
    [46, "UNAVAILABLE", false],
    [700, "INTERNAL", true],
    [719, "INTERNAL", true],
    [999, "INTERNAL", false],
  ])("status %d is %s", (number, code, isContextLost) => {
    emulated.set("faults", `cuMemGetInfo_v2@1=${number}`);
    expect(thrownBy(() => context.memory())).toMatchObject({ code, isContextLost });
  });

  test("a planted fault strikes at its call and at no other", () => {
    emulated.set("faults", "cuEventCreate@3=2,*@10=46");
    const make = () => context.createEvent().dispose();
    // Calls: create, destroy, create, destroy, create, each behind a cuCtxSetCurrent.
    make();
    make();
    expect(thrownBy(make)).toMatchObject({ status: { number: 2 } });
    make();
  });

  test("what is given back after a context was lost is no second error", () => {
    const memory = context.allocate(4);
    emulated.set("faults", "cuMemFree_v2@1=700");
    memory.dispose();
    expect(memory.isAlive).toBe(false);
    emulated.set("faults", "cuMemFree_v2@1=1");
    expect(() => context.allocate(4).dispose()).toThrow("INVALID_VALUE");
  });

  test("too much memory is RESOURCE_EXHAUSTED, and no memory at all an argument", () => {
    expect(thrownBy(() => context.allocate(2 ** 31))).toMatchObject({
      code: "RESOURCE_EXHAUSTED",
      status: { name: "CUDA_ERROR_OUT_OF_MEMORY" },
    });
    expect(() => context.allocate(0)).toThrow("bytes: is 0, and not a whole number above 0");
  });

  test("an image that is damaged, cut off or for another GPU says so", () => {
    const image = emulated.compile('extern "C" __global__ void nothing() {}');
    const cubin = Uint8Array.from(image);
    cubin[18] = 190;
    expect(() => context.loadModule(cubin)).toThrow(
      /the module cannot be loaded: .*CUDA_ERROR_NO_BINARY_FOR_GPU \(209\).*\nthis is a cubin, and the GPU is emulated/,
    );
    expect(() => context.loadModule(image.subarray(0, 5000))).toThrow(
      "the module cannot be loaded: it is cut off after 5000 bytes",
    );
    expect(() => context.loadModule(new Uint8Array(100))).toThrow("it is not an ELF image");
    expect(() => context.loadModule("// PTX")).toThrow("NO_BINARY_FOR_GPU");
    const damaged = Uint8Array.from(image);
    damaged.fill(0, 64, 4096);
    expect(() => context.loadModule(damaged)).toThrow("CUDA_ERROR_INVALID_IMAGE (200)");
    const missing = () => context.loadModule(image).kernel("other", []);
    expect(thrownBy(missing)).toMatchObject({ code: "NOT_FOUND", call: "cuModuleGetFunction" });
  });

  test("a program that does not compile is an error with the compiler's messages", () => {
    const nvrtc = Nvrtc.open({ library: emulated.nvrtcLibrary });
    const compile = (text: string, options: readonly string[] = []) =>
      nvrtc.compile({ name: "mine.cu", text }, { architecture: "sm_90", options });
    expect(() => compile("int a = b;")).toThrow(
      /^mine\.cu does not compile:\n[\s\S]*program:1:9: error: .b. was not declared/,
    );
    expect(() => compile("", ["fast"])).toThrow("unrecognized option fast");
    const included = nvrtc.compile(
      {
        name: "mine.cu",
        text: '#include "mine.h"\nextern "C" __global__ void put(int* x) { *x = VALUE + MORE; }',
        headers: { "mine.h": "#define VALUE 3\n" },
      },
      { architecture: "sm_90", options: ["-DMORE=4"] },
    );
    expect(included.log).toBe("");
    const kernel = context.loadModule(included.image as Uint8Array).kernel("put", ["address"]);
    const [stream, x] = [context.createStream(), context.allocate(4)];
    kernel.launch({ stream, grid: 1, block: 1 }, x.address);
    stream.synchronize();
    const value = new Int32Array(1);
    x.read(value);
    expect(value[0]).toBe(7);
    expect(nvrtc.version).toEqual([13, 0]);
    expect(nvrtc.architectures).toContain(90);
  });
});
