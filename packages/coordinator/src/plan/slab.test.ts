import { expect, test } from "vitest";

import { Slab, textOf } from "./slab.js";

test("texts and tokens of any length come back as they were, in whatever order they are kept", () => {
  const slab = new Slab();
  const pieces = Array.from({ length: 3000 }, (_, i) => ({
    text: `Göteborg, piece ${i} `.repeat(i % 70),
    tokens: Array.from({ length: (i * 7) % 400 }, (_, j) => i * 1000 - j),
  }));
  const kept = pieces.map(({ text, tokens }) => ({
    text: slab.keepText(text),
    tokens: slab.keepTokens(tokens),
  }));
  for (const [i, { text, tokens }] of kept.entries()) {
    expect(textOf(text)).toBe(pieces[i]?.text);
    expect([...tokens]).toEqual(pieces[i]?.tokens);
  }
  const buffers = new Set(kept.flatMap(({ text, tokens }) => [text.buffer, tokens.buffer]));
  expect(buffers.size).toBeLessThan(10);
});

test("a piece that is larger than a buffer has one of its own", () => {
  const slab = new Slab();
  const small = slab.keepText("small");
  const text = "long ".repeat(1_000_000);
  expect(textOf(slab.keepText(text))).toBe(text);
  expect(textOf(small)).toBe("small");
});
