import { describe, expect, test } from "vitest";

import { OutOfRangeIdError, ShapeError } from "../errors.js";
import { createKvCache } from "../kv-cache.js";
import { launchesOf, scratchBytesOf } from "../launches/twins.js";
import * as ops from "../ops.js";
import { onEmulation, type Rig } from "./rig.js";

const BAD_IDS = [10, -1];

describe("CUDA kernels refuse an id outside its table, and name the operation", () => {
  const ids = (rig: Rig, bad: number) => rig.put(Int32Array.of(0, bad));

  test.each(BAD_IDS)("row %i of a table of ten", (bad) => {
    onEmulation({ schedule: 0 }, (rig) => {
      const [table, y] = [rig.out(10 * 4, 1), rig.out(8)];
      const sizes = { rows: 2, width: 4, vocabulary: 10 };
      const embed = () => {
        rig.run((list) => ops.embedding(list, { ids: ids(rig, bad), table, y, ...sizes }));
      };
      expect(embed).toThrow(OutOfRangeIdError);
      expect(embed).toThrow(/embedding/);
      // The rows before it are looked up; nothing is written for the bad one.
      expect([...rig.get(y)]).toEqual([1, 1, 1, 1, 777, 777, 777, 777]);
    });
  });

  test.each(BAD_IDS)("slot %i of a cache without it, after an operation that is fine", (bad) => {
    onEmulation({ schedule: 1 }, (rig) => {
      const cache = createKvCache(rig.device, { numBlocks: 1, kvHeads: 1, headDim: 4 });
      const [k, slots] = [rig.out(8), ids(rig, bad < 0 ? bad : 16)];
      const write = () => {
        rig.run((list) => {
          ops.fill(list, { x: k, value: 1, length: 8 });
          ops.kvWrite(list, { k, v: k, slots, cache, rows: 2 });
        });
      };
      expect(write).toThrow(/kvWrite/);
    });
  });

  test.each(BAD_IDS)("target %i of a vocabulary of ten", (bad) => {
    onEmulation({ schedule: 77 }, (rig) => {
      const shape = { rows: 2, width: 4, vocabulary: 10 };
      const weight = rig.out(ops.packedLength(10, 4), 0.5);
      const [x, one, logprobs, stats] = [rig.out(8), rig.out(2, 1), rig.out(2), rig.out(4)];
      const given = { ...shape, x, weight, invTemperature: one, truncation: null };
      const about = { ...given, targets: ids(rig, bad), stats };
      expect(() => {
        rig.run((list) => {
          ops.headLogprobs(list, { ...about, logprobs, entropies: null, kept: null });
        });
      }).toThrow(OutOfRangeIdError);
    });
  });
});

describe("launches", () => {
  const memory = { scratch: 4096, failure: 2048, operation: 0 };
  const attention = (headDim: number) => [1, 1, 1, 1, 1, 1, 2, 1, headDim, 1, 0, 3];

  test("are refused for heads that no kernel is compiled for", () => {
    expect(launchesOf("attention", attention(256), memory)[0]?.kernel).toBe("attention_256");
    expect(() => launchesOf("attention", attention(257), memory)).toThrow(ShapeError);
  });

  test("have no launch without blocks", () => {
    expect(launchesOf("add", [1, 2, 0], memory)).toEqual([]);
  });

  test("of the head work on at most 64 MiB of logits, in ascending order of the vocabulary", () => {
    const [rows, width, vocabulary] = [4096, 8, 20_000];
    const values = [1, 1, 1, 1, 1, 0, 1, rows, width, vocabulary, 0];
    expect(scratchBytesOf("headLogprobs", values)).toBeLessThan(70 * 2 ** 20);
    const products = launchesOf("headLogprobs", values, memory).filter(({ kernel }) =>
      kernel.startsWith("head_logits"),
    );
    const starts = products.map(({ arguments: args }) => ((args[1]?.[1] ?? 0) - 1) / (width * 4));
    expect(starts).toEqual([0, 4096, 8192, 12_288, 16_384]);
    expect(products.map(({ arguments: args }) => args.at(-1)?.[1])).toEqual([
      ...[4096, 4096, 4096, 4096],
      20_000 - 16_384,
    ]);
  });
});
