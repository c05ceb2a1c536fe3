import { expect, test } from "vitest";

import { shortPath } from "./short-path.js";

test("a path inside the folder is relative, any other is absolute", () => {
  expect(shortPath("/work/runs/first.yaml", "/work")).toBe("runs/first.yaml");
  expect(shortPath("/work", "/work")).toBe("/work");
  expect(shortPath("/tmp/first.yaml", "/work")).toBe("/tmp/first.yaml");
});
