import { Rng } from "@gumshoe/core";
import { expect, test } from "vitest";

import { everywhere, expectSameBits, integers, normals, onDevice } from "../conformance/rig.js";
import { OutOfRangeIdError } from "../errors.js";
import { embedding, embeddingPacked } from "./embedding.js";
import { packedLength, packMatrix } from "./linear.js";

const [rows, vocabulary, width] = [300, 70, 37];
const rng = new Rng(5);
const values = normals(rng, vocabulary * width);
const ids = integers(rng, rows, vocabulary);

test("rows of a packed table are those of the plain one", () => {
  everywhere((rig) => {
    const [plain, packed] = [rig.out(rows * width), rig.out(rows * width)];
    const table = rig.put(values);
    const panels = rig.out(packedLength(vocabulary, width));
    const common = { ids: rig.put(ids), rows, width, vocabulary };
    rig.run((list) => {
      packMatrix(list, { w: table, packed: panels, n: vocabulary, k: width });
      embedding(list, { ...common, table, y: plain });
      embeddingPacked(list, { ...common, table: panels, y: packed });
    });
    expectSameBits(rig.get(packed), rig.get(plain));
    return [rig.get(packed)];
  });
});

test("an id outside a packed table is an error", () => {
  onDevice({ threads: 1 }, (rig) => {
    const table = rig.out(packedLength(vocabulary, width));
    const args = { ids: rig.put(Int32Array.of(vocabulary)), table, y: rig.out(width) };
    const run = () =>
      rig.run((list) => embeddingPacked(list, { ...args, rows: 1, width, vocabulary }));
    expect(run).toThrow(OutOfRangeIdError);
  });
});
