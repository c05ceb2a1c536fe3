import { expect, test } from "vitest";

import { thinkingLength, thinkingMarks } from "./thinking-marks.js";

/** A tokenizer with a token for each character, and one for each tag. */
const tokenizer = {
  encode: (text: string) =>
    [...text.replaceAll("<think>", "\u0001").replaceAll("</think>", "\u0002")].map(
      (char) => char.codePointAt(0) ?? 0,
    ),
  decode: (ids: Iterable<number>) =>
    String.fromCodePoint(...ids)
      .replaceAll("\u0001", "<think>")
      .replaceAll("\u0002", "</think>"),
};
const lengthOf = (prompt: string, reply: string, options = {}) => {
  const [promptIds, tokens] = [prompt, reply].map((text) =>
    Int32Array.from(tokenizer.encode(text)),
  );
  const marks = thinkingMarks(options, tokenizer);
  const ids = { promptIds: promptIds ?? new Int32Array(), tokens: tokens ?? new Int32Array() };
  return thinkingLength(ids, marks, tokenizer);
};

test("thinking ends with the token that completes its mark", () => {
  expect(lengthOf("Why?", "<think>abc</think>A. x")).toBe(5);
  expect(lengthOf("Why?<think>\n", "abc</think>A. x")).toBe(4);
  expect(lengthOf("Why?", "ab--A", { thinkingEnd: "--" })).toBe(4);
});

test("a reply that does not think has no thinking, and one that does not end it has no end", () => {
  expect(lengthOf("Why?", "A. x, and so on")).toBe(0);
  expect(lengthOf("Why?", "<think>abc")).toBeNull();
  expect(lengthOf("Why?", "A. x", { thinkingEnd: "--", thinkingStart: "- " })).toBe(0);
  expect(lengthOf("Why?", "A. x", { thinkingEnd: "--" })).toBeNull();
});

test("marks are those of the tokenizer, or named; a close that ends nothing is refused", () => {
  expect(thinkingMarks({}, tokenizer)).toEqual({
    start: "<think>",
    end: "</think>",
    close: "\n</think>\n\n",
  });
  expect(thinkingMarks({ thinkingEnd: "--" }, tokenizer)).toEqual({
    start: null,
    end: "--",
    close: "--",
  });
  const plain = { encode: (text: string) => [...text].map(() => 1) };
  expect(() => thinkingMarks({}, plain)).toThrow(/^--thinking-end: is missing: .*\(name the text/);
  expect(() => thinkingMarks({ thinkingClose: "stop" }, tokenizer)).toThrow(
    '--thinking-close: does not contain "</think>"',
  );
});
