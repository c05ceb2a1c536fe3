import { i32s, launch, pointers, type Twin } from "./launch.js";

/** Blocks: many times what a GPU runs at once, so that few multiprocessors wait for the last ones. */
const BLOCKS = 16_384;

export const fmaPeak: Twin = {
  launches: ([flops = 0, rounds = 0]) => [
    launch("fma_peak", [BLOCKS], [...pointers(flops), ...i32s(rounds, BLOCKS)]),
  ],
};
