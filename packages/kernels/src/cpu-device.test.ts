import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";

import { instructionSets, onDevice } from "./conformance/rig.js";
import { createCpuDevice } from "./cpu-device.js";
import { DisposedError, OutOfMemoryError, OutOfRangeIdError, ShapeError } from "./errors.js";
import { add, fill, gatherRows } from "./ops/rows.js";

/** The package as it is shipped, for another process. */
const BUILT = new URL("../dist/index.js", import.meta.url).href;

describe("memory", () => {
  test("is zeroed, aligned to a cache line, and read back as it was written", () => {
    onDevice({ threads: 1 }, ({ device }) => {
      for (const length of [0, 1, 1000]) {
        const tensor = device.alloc("f32", length);
        expect(tensor.address % 64).toBe(0);
        const zeros = new Float32Array(length).fill(1);
        device.read(tensor, zeros);
        expect(zeros.every((value) => value === 0)).toBe(true);
      }
      const tensor = device.alloc("i32", 5);
      device.write(tensor, Int32Array.of(7, -8), 3);
      const all = new Int32Array(5);
      device.read(tensor, all);
      expect([...all]).toEqual([0, 0, 0, 7, -8]);
      const last = new Int32Array(1);
      device.read(tensor, last, 4);
      expect(last[0]).toBe(-8);
    });
  });

  test("of a slice is its owner's", () => {
    onDevice({ threads: 1 }, (rig) => {
      const whole = rig.out(10, 1);
      const inner = whole.slice(2, 8).slice(1, 3);
      rig.run((list) => fill(list, { x: inner, value: 5, length: 2 }));
      expect([...rig.get(whole)]).toEqual([1, 1, 1, 5, 5, 1, 1, 1, 1, 1]);
      expect(() => whole.slice(2, 11)).toThrow(ShapeError);
      expect(() => whole.slice(3, 2)).toThrow(ShapeError);
    });
  });

  test("is freed once; freed tensors and their slices are refused", () => {
    onDevice({ threads: 1 }, ({ device }) => {
      const [tensor, other] = [device.alloc("f32", 8), device.alloc("f32", 8)];
      const slice = tensor.slice(0, 4);
      device.free(tensor);
      device.free(tensor);
      const host = new Float32Array(4);
      expect(() => device.read(tensor, host)).toThrow(DisposedError);
      expect(() => device.write(slice, host)).toThrow(DisposedError);
      const list = device.createCommandList();
      expect(() => add(list, { x: other, y: slice, length: 4 })).toThrow("y of add was disposed");
      device.read(other, host);
    });
  });

  test("that was freed after recording stops the list before it runs", () => {
    onDevice({ threads: 1 }, ({ device }) => {
      const [x, y] = [device.alloc("f32", 8), device.alloc("f32", 8)];
      const list = device.createCommandList();
      fill(list, { x: y, value: 1, length: 8 });
      add(list, { x: x.slice(4, 8), y, length: 4 });
      device.free(device.alloc("f32", 1));
      list.run();
      device.free(x);
      expect(() => list.run()).toThrow(DisposedError);
      list.reset();
      fill(list, { x: y, value: 2, length: 8 });
      list.run();
    });
  });

  test("that exceeds the machine's is refused", () => {
    onDevice({ threads: 1 }, ({ device }) => {
      expect(() => device.alloc("f64", 2 ** 45)).toThrow(OutOfMemoryError);
      expect(() => device.alloc("f32", -1)).toThrow(ShapeError);
      expect(() => device.alloc("f32", 1.5)).toThrow(ShapeError);
    });
  });

  test("accepts arrays of its own element type, inside its bounds, on its own device", () => {
    onDevice({ threads: 1 }, ({ device }) => {
      const tensor = device.alloc("f32", 4);
      expect(() => device.write(tensor, Int32Array.of(1))).toThrow(/must be a Float32Array/);
      expect(() => device.write(tensor, new Float32Array(5))).toThrow(/0..5 is outside 0..4/);
      expect(() => device.read(tensor, new Float32Array(2), 3)).toThrow(ShapeError);
      onDevice({ threads: 1 }, (other) => {
        expect(() => other.device.write(tensor, new Float32Array(1))).toThrow(/another device/);
        const list = other.device.createCommandList();
        expect(() => fill(list, { x: tensor, value: 0, length: 1 })).toThrow(/another device/);
      });
    });
  });
});

describe("a command list", () => {
  test("runs its operations in order, any number of times, until it is reset", () => {
    onDevice({ threads: 2 }, (rig) => {
      const [x, y] = [rig.out(100, 1), rig.out(100, 0)];
      const list = rig.device.createCommandList();
      for (let i = 0; i < 500; i++) add(list, { x, y, length: 100 });
      list.run();
      list.run();
      expect(rig.get(y)[99]).toBe(1000);
      list.reset();
      expect(list.length).toBe(0);
      list.run();
      expect(rig.get(y)[0]).toBe(1000);
    });
  });

  test("names the operation and the argument that do not fit", () => {
    onDevice({ threads: 1 }, (rig) => {
      const list = rig.device.createCommandList();
      const [x, y] = [rig.out(4), rig.put(new Int32Array(4))];
      expect(() => add(list, { x, y: rig.out(3), length: 4 })).toThrow(
        "add: y has 3 elements, expected 4",
      );
      expect(() => add(list, { x, y, length: 4 })).toThrow("add: y is i32, expected f32");
      expect(() => fill(list, { x, value: 0, length: NaN })).toThrow(ShapeError);
      expect(() => fill(list, { x, value: 0, length: -1 })).toThrow(ShapeError);
      expect(() => fill(list, { x, value: 0, length: 0.5 })).toThrow(ShapeError);
      expect(list.length).toBe(0);
    });
  });

  test("names the operation that got a bad row number, and can run again", () => {
    onDevice({ threads: 1 }, (rig) => {
      const [x, y] = [rig.out(4, 3), rig.out(4)];
      const rows = rig.put(Int32Array.of(4));
      const list = rig.device.createCommandList();
      fill(list, { x: y, value: 1, length: 4 });
      gatherRows(list, { x, rows, y, count: 1, width: 1, sourceRows: 4 });
      expect(() => list.run()).toThrow(OutOfRangeIdError);
      expect(() => list.run()).toThrow(/gatherRows/);
      rig.device.write(rows, Int32Array.of(3));
      list.run();
      expect([...rig.get(y)]).toEqual([3, 1, 1, 1]);
    });
  });
});

describe("a device", () => {
  test("uses the best instruction set, or a lesser one on request", () => {
    const sets = instructionSets();
    expect(sets.at(-1)).toBe("scalar");
    for (const instructionSet of sets) {
      onDevice({ instructionSet }, ({ device }) => {
        expect(device.instructionSet).toBe(instructionSet);
        expect(device.threads).toBeGreaterThan(0);
      });
    }
  });

  test("needs at least one thread", () => {
    for (const threads of [0, -1, 1.5, NaN]) {
      expect(() => createCpuDevice({ threads })).toThrow(ShapeError);
    }
  });

  // Limits of address space exist on Linux only.
  test.runIf(process.platform === "linux")(
    "for which the system refuses threads is an error, and the process continues",
    () => {
      const script = `
        const { createCpuDevice } = await import(${JSON.stringify(BUILT)});
        try {
          createCpuDevice({ threads: 4000 });
        } catch (error) {
          console.log(error.code, error.message, createCpuDevice({ threads: 2 }).threads);
        }`;
      const limit = 'ulimit -v 12000000 && exec "$0" --input-type=module --eval "$1"';
      const { stdout, status, stderr } = spawnSync("sh", ["-c", limit, process.execPath, script], {
        encoding: "utf8",
        // A preloaded sanitizer's shadow memory would not fit.
        env: { ...process.env, LD_PRELOAD: "" },
      });
      expect(stderr).toBe("");
      expect(stdout).toBe("RESOURCE_EXHAUSTED no memory for a pool of 4000 threads 2\n");
      expect(status).toBe(0);
    },
  );

  test("is disposed of once, with all its memory; then nothing runs", () => {
    const device = createCpuDevice({ threads: 2 });
    const tensor = device.alloc("f32", 8);
    const list = device.createCommandList();
    fill(list, { x: tensor, value: 0, length: 8 });
    device.dispose();
    device.dispose();
    expect(() => list.run()).toThrow(DisposedError);
    expect(() => device.alloc("f32", 1)).toThrow(DisposedError);
    expect(() => device.createCommandList()).toThrow(DisposedError);
    expect(() => device.read(tensor, new Float32Array(1))).toThrow(DisposedError);
    device.free(tensor);
  });

  test("exists beside others, each with its own threads", () => {
    const devices = Array.from({ length: 8 }, () => createCpuDevice({ threads: 3 }));
    for (const device of devices) {
      const x = device.alloc("f32", 50_000);
      const list = device.createCommandList();
      fill(list, { x, value: 2, length: 50_000 });
      list.run();
      const values = new Float32Array(50_000);
      device.read(x, values);
      expect(values.every((value) => value === 2)).toBe(true);
    }
    for (const device of devices) device.dispose();
  });
});
