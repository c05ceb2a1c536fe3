import type { CommandList, Tensor } from "../device.js";
import { record } from "../record.js";

/**
 * Gates one vector by another: y = silu(gate) * up.
 *
 * @param gate  [length] f32; `up` and `y` likewise
 * @source      arXiv:2002.05202
 */
export function swiglu(
  list: CommandList,
  args: { gate: Tensor; up: Tensor; y: Tensor; length: number },
): void {
  const { gate, up, y, length } = args;
  record(
    list,
    "swiglu",
    { gate: [gate, "f32", length], up: [up, "f32", length], y: [y, "f32", length] },
    ["gate", "up", "y", length],
  );
}

/** Computes the gradients of {@link swiglu}; `dGate` and `dUp` [length] f32 are overwritten. */
export function swigluBackward(
  list: CommandList,
  args: {
    gate: Tensor;
    up: Tensor;
    dy: Tensor;
    dGate: Tensor;
    dUp: Tensor;
    length: number;
  },
): void {
  const { gate, up, dy, dGate, dUp, length } = args;
  record(
    list,
    "swigluBackward",
    {
      gate: [gate, "f32", length],
      up: [up, "f32", length],
      dy: [dy, "f32", length],
      dGate: [dGate, "f32", length],
      dUp: [dUp, "f32", length],
    },
    ["gate", "up", "dy", "dGate", "dUp", length],
  );
}
