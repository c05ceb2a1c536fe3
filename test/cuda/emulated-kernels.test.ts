/** A kernel of the engine, loaded and launched through cuda.js on an emulated GPU: the CPU's bits. */
import { readFileSync } from "node:fs";

import type { CudaContext, CudaModule } from "@gumshoe/cuda";
import { createCpuDevice, ops } from "@gumshoe/kernels";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const IMAGE = new URL("../../packages/kernels/build/cuda/emulation/kernels.so", import.meta.url);
const [ROWS, WIDTH, EPS] = [19, 100, 1e-6] as const;
const X = Float32Array.from(
  { length: ROWS * WIDTH },
  (_, i) => Math.sin(i) * (i % 97 === 0 ? 900 : 3),
);
const W = Float32Array.from({ length: WIDTH }, (_, i) => 1 + Math.cos(i) / 9);
const folder = emulatedFolder();

/** Normalises the rows on the CPU. */
function onCpu(): Float32Array {
  const device = createCpuDevice({ threads: 1 });
  const [x, w] = [device.alloc("f32", X.length), device.alloc("f32", WIDTH)];
  const [y, rstd] = [device.alloc("f32", X.length), device.alloc("f32", ROWS)];
  device.write(x, X);
  device.write(w, W);
  const list = device.createCommandList();
  ops.rmsNorm(list, { x, w, eps: EPS, y, rstd, rows: ROWS, width: WIDTH });
  list.run();
  const result = new Float32Array(X.length);
  device.read(y, result);
  device.dispose();
  return result;
}

describe.skipIf(folder === null)("a kernel with warps on an emulated GPU", () => {
  let emulated: EmulatedGpu;
  let context: CudaContext;
  let module: CudaModule;

  beforeAll(() => {
    emulated = new EmulatedGpu(folder ?? "");
    context = emulated.openDriver().gpu(0).createContext();
    module = context.loadModule(readFileSync(IMAGE));
  });
  afterAll(() => context.dispose());

  const PARAMETERS = ["address", "address", "f32", "address", "address", "i32", "i32"] as const;

  test.each([0, 1, 5])("schedule %d, launched or from a graph", (schedule) => {
    emulated.set("schedule", schedule);
    const kernel = module.kernel("rms_norm", PARAMETERS);
    const threads = kernel.resources.maxThreadsPerBlock;
    const stream = context.createStream();
    const [x, w] = [context.allocate(X.byteLength), context.allocate(W.byteLength)];
    const [y, rstd] = [context.allocate(X.byteLength), context.allocate(ROWS * 4)];
    x.write(X);
    w.write(W);
    const result = () => {
      const values = new Float32Array(X.length);
      y.read(values);
      return values;
    };
    const launch = () => {
      const grid = Math.ceil(ROWS / (threads / 16));
      kernel.launch(
        { stream, grid, block: threads },
        ...([x.address, w.address, EPS, y.address, rstd.address, ROWS, WIDTH] as const),
      );
    };
    const expected = onCpu();
    launch();
    stream.synchronize();
    expect(result()).toEqual(expected);
    const graph = stream.capture(launch);
    stream.fillBytes(y.address, 0, y.bytes);
    stream.launch(graph);
    stream.synchronize();
    expect(result()).toEqual(expected);
  });

  test("more threads than a kernel is made for are refused", () => {
    const stream = context.createStream();
    const kernel = module.kernel("rms_norm", PARAMETERS);
    expect(() => {
      kernel.launch(
        { stream, grid: 1, block: 256 },
        ...([null, null, 0, null, null, 0, 0] as const),
      );
    }).toThrow("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES (701)");
  });
});
