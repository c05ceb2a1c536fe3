import { expect, test } from "vitest";

import { Slab } from "./slab.js";

test("pieces of any length are returned unchanged, and share few buffers", () => {
  const slab = new Slab();
  const texts = Array.from({ length: 3000 }, (_, i) => `Göteborg, piece ${i} `.repeat(i % 70));
  const kept = texts.map((text) => slab.keep(Buffer.from(text)));
  expect(kept.map((bytes) => bytes.toString())).toEqual(texts);
  expect(new Set(kept.map(({ buffer }) => buffer)).size).toBeLessThan(10);
});

test("a piece larger than a buffer gets its own", () => {
  const slab = new Slab();
  const small = slab.keep(Buffer.from("small"));
  const large = Buffer.alloc(5_000_000, "long");
  expect(slab.keep(large).equals(large)).toBe(true);
  expect(small.toString()).toBe("small");
});
