import { expect, test } from "vitest";

import { announcedAddress } from "./announced-address.js";

test.each([
  ["127.0.0.1:7071", "127.0.0.1:7071"],
  ["gpu-1:7071", "gpu-1:7071"],
  ["0.0.0.0:7071", "box:7071"],
  ["[::]:7071", "box:7071"],
])("a server on %s is announced as %s", (bound, announced) => {
  expect(announcedAddress(bound, "box")).toBe(announced);
});
