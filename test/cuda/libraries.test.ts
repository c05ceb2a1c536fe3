/** cuBLASLt and NCCL, which are loaded only when they are asked for, on an emulated GPU. */
import { join } from "node:path";

import { CublasLt, type CudaContext, Nccl } from "@gumshoe/cuda";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const folder = emulatedFolder();

test("a library that is absent is one error with every place where it was looked for", () => {
  expect(() => Nccl.open({ library: "/nowhere/libnccl.so.2" })).toThrow(
    /^NCCL cannot be loaded; looked for: \/nowhere\/libnccl\.so\.2 \(.*\)\. It comes with/,
  );
});

describe.skipIf(folder === null)("on an emulated GPU", () => {
  let emulated: EmulatedGpu;
  let context: CudaContext;

  beforeAll(() => {
    emulated = new EmulatedGpu(folder ?? "");
    context = emulated.openDriver().gpu(0).createContext();
  });
  afterAll(() => context.dispose());

  const put = (values: Float32Array | Uint16Array) => {
    const memory = context.allocate(values.byteLength);
    memory.write(values);
    return memory;
  };
  const floats = (length: number, seed: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin(i * seed) * 3);
  const read = (memory: { bytes: number; read(into: Float32Array): void }) => {
    const values = new Float32Array(memory.bytes / 4);
    memory.read(values);
    return values;
  };

  test("a matrix product is computed by each algorithm, row-major", () => {
    const [m, n, k] = [3, 5, 40];
    const [x, w] = [floats(m * k, 0.7), floats(n * k, 1.3)];
    const lt = CublasLt.open(context, { library: join(emulated.folder, "libcublasLt.so.13") });
    expect(lt.version).toBe(130_000);
    const plan = lt.plan({ m, n, k, input: "f32", output: "f32" });
    expect(plan.algorithms({ workspaceBytes: 0, most: 4 })).toHaveLength(1);
    const algorithms = plan.algorithms({ workspaceBytes: 4096, most: 4 });
    expect(algorithms.map(({ workspaceBytes }) => workspaceBytes)).toEqual([0, 1024]);

    const stream = context.createStream();
    const [xs, ws, workspace] = [put(x), put(w), context.allocate(4096)];
    const results = algorithms.map((algorithm) => {
      const y = context.allocate(m * n * 4);
      plan.run(stream, algorithm, {
        x: xs.address,
        weight: ws.address,
        y: y.address,
        workspace: workspace.address,
      });
      stream.synchronize();
      return read(y);
    });
    for (const result of results) {
      for (let row = 0; row < m; row++) {
        for (let column = 0; column < n; column++) {
          let sum = 0;
          for (let i = 0; i < k; i++) sum += (x[row * k + i] ?? 0) * (w[column * k + i] ?? 0);
          expect(result[row * n + column]).toBeCloseTo(sum, 3);
        }
      }
    }
    // That the order of a sum shows is why an algorithm is compared with the own kernel before it is used.
    expect(results[0]).not.toEqual(results[1]);
    lt.dispose();
    expect(() => lt.plan(plan.product)).toThrow("cuBLASLt was disposed");
  });

  test("bfloat16 goes in, and float32 comes out", () => {
    const lt = CublasLt.open(context, { library: join(emulated.folder, "libcublasLt.so.13") });
    const plan = lt.plan({ m: 1, n: 1, k: 2, input: "bf16", output: "f32" });
    const [algorithm] = plan.algorithms({ workspaceBytes: 0, most: 1 });
    const y = context.allocate(4);
    const tensors = {
      x: put(Uint16Array.of(0x3f80, 0x4000)).address,
      weight: put(Uint16Array.of(0x4040, 0x4080)).address,
      y: y.address,
      workspace: null,
    };
    const stream = context.createStream();
    if (algorithm === undefined) throw new Error("no algorithm");
    plan.run(stream, algorithm, tensors);
    stream.synchronize();
    expect([...read(y)]).toEqual([11]);
  });

  test("collectives of NCCL do their work in a stream, and refuse what is wrong", () => {
    const nccl = Nccl.open({ library: join(emulated.folder, "libnccl.so.2") });
    expect(nccl.version).toBe(22_700);
    const id = nccl.createId();
    const communicator = nccl.group(() => nccl.join(context, { id, rank: 0, ranks: 1 }));
    const stream = context.createStream();
    const from = put(Float32Array.of(1, 2));
    const targets = [context.allocate(8), context.allocate(8), context.allocate(8)] as const;
    const transfer = (i: 0 | 1 | 2) =>
      ({ from: from.address, to: targets[i].address, count: 2, type: "f32" }) as const;
    communicator.allReduce(stream, transfer(0), "sum");
    communicator.broadcast(stream, transfer(1), 0);
    communicator.allGather(stream, transfer(2));
    expect([...read(targets[0])]).toEqual([NaN, NaN]);
    stream.synchronize();
    for (const target of targets) expect([...read(target)]).toEqual([1, 2]);
    expect(() => communicator.broadcast(stream, transfer(1), 3)).toThrow(
      "ncclBroadcast: invalid argument (4)",
    );
    expect(() => nccl.join(context, { id, rank: 1, ranks: 2 })).toThrow("ncclCommInitRank");
    communicator.dispose();
    communicator.dispose();
  });
});
