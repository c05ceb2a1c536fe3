import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { everywhere, expectClose, normals, onDevice } from "../conformance/rig.js";
import { swiglu, swigluBackward } from "./swiglu.js";

const silu = (g: number) => g / (1 + Math.exp(-g));
const slope = (g: number) => {
  const s = 1 / (1 + Math.exp(-g));
  return s * (1 + g * (1 - s));
};

test.each([1, 17, 5003])("a gate of %i elements and its gradients are the oracle's", (length) => {
  const rng = new Rng(4, length);
  const [gate, up, dy] = [8, 1, 1].map((size) => normals(rng, length).map((x) => x * size)) as [
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const [y, dGate, dUp] = everywhere((rig) => {
    const [y, dGate, dUp] = [rig.out(length), rig.out(length), rig.out(length)];
    const args = { gate: rig.put(gate), up: rig.put(up), length };
    rig.run((list) => {
      swiglu(list, { ...args, y });
      swigluBackward(list, { ...args, dy: rig.put(dy), dGate, dUp });
    });
    return [rig.get(y), rig.get(dGate), rig.get(dUp)];
  }) as [Float32Array, Float32Array, Float32Array];
  const each = (value: (i: number) => number) =>
    Float64Array.from({ length }, (_, index) => value(index));
  const wantY = each((i) => silu(gate[i]!) * up[i]!);
  const wantUp = each((i) => silu(gate[i]!) * dy[i]!);
  expectClose(y, wantY, 1e-6, wantY.map(Math.abs));
  expectClose(dUp, wantUp, 1e-6, wantUp.map(Math.abs));
  expectClose(
    dGate,
    each((i) => slope(gate[i]!) * up[i]! * dy[i]!),
    1e-5,
  );
});

test("a gate far below zero closes, one far above opens, and nothing overflows", () => {
  onDevice({}, (rig) => {
    const gate = Float32Array.of(-1e30, -200, -88, 0, 88, 200, 1e30);
    const [y, dGate, dUp, one] = [rig.out(7), rig.out(7), rig.out(7), rig.out(7, 1)];
    const args = { gate: rig.put(gate), up: one, length: 7 };
    rig.run((list) => {
      swiglu(list, { ...args, y });
      swigluBackward(list, { ...args, dy: one, dGate, dUp });
    });
    expect([...rig.get(y).subarray(3)]).toEqual([...gate.subarray(3)]);
    for (const i of [0, 1, 2]) {
      expect(Math.abs(rig.get(y)[i]!)).toBeLessThanOrEqual(1e-37 * Math.abs(gate[i]!));
    }
    expect([...rig.get(dGate)].map((value) => Math.round(value) + 0)).toEqual([
      0, 0, 0, 1, 1, 1, 1,
    ]);
  });
});
