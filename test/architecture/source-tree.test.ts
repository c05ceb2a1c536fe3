import { expect, test } from "vitest";
import { findCycles, packageOf, resolveRelative } from "./source-tree.js";

test("a cycle is reported once, and none in an acyclic graph", () => {
  const chain = new Map([
    ["a", ["b", "c"]],
    ["b", ["c"]],
    ["c", []],
  ]);
  expect(findCycles(chain)).toEqual([]);
  expect(findCycles(new Map([...chain, ["c", ["a"]]]))).toEqual([["a", "b", "c"]]);
  expect(findCycles(new Map([["a", ["a"]]]))).toEqual([["a"]]);
});

test("specifiers are resolved to packages and files", () => {
  expect(packageOf("@gumshoe/core/dist/errors.js")).toBe("@gumshoe/core");
  expect(packageOf("pino/file")).toBe("pino");
  const edge = { from: "packages/x/src/loss/kl.ts", specifier: "../exp.js" };
  expect(resolveRelative(edge)).toBe("packages/x/src/exp.ts");
});
