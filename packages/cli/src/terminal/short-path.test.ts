import { expect, test } from "vitest";

import { shortPath } from "./short-path.js";

test("a path inside the folder is relative, any other is absolute", () => {
  expect(shortPath("/checkout/runs/first.yaml", "/checkout")).toBe("runs/first.yaml");
  expect(shortPath("/checkout", "/checkout")).toBe("/checkout");
  expect(shortPath("/elsewhere/first.yaml", "/checkout")).toBe("/elsewhere/first.yaml");
});
