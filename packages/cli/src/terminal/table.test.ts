import { expect, test } from "vitest";

import { formatTable } from "./table.js";

test("columns are as wide as their longest cell, and numbers are right-aligned", () => {
  const rows = [
    ["first", 7],
    ["a-long-name", 1200],
  ];
  expect(formatTable(["run", "done"], rows)).toBe(
    ["run          done", "first           7", "a-long-name  1200"].join("\n"),
  );
});
