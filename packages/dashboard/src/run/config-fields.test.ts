import { expect, test } from "vitest";

import { fieldsOf } from "./config-fields.js";

test("nested fields have their path, empty ones stay", () => {
  expect(fieldsOf({ seed: 1, optimizer: { betas: [0.9, 0.99] }, stop: [], note: null })).toEqual([
    ["seed", "1"],
    ["optimizer.betas.0", "0.9"],
    ["optimizer.betas.1", "0.99"],
    ["stop", "[]"],
    ["note", "null"],
  ]);
});
