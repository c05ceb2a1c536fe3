import { expect, test } from "vitest";

import { announcedAddress } from "./announced-address.js";

test.each([
  ["127.0.0.1:7071", "127.0.0.1:7071"],
  ["gpu-1:7071", "gpu-1:7071"],
  ["0.0.0.0:7071", "box:7071"],
  ["[::]:7071", "box:7071"],
])("a server on %s is announced as %s", (bound, announced) => {
  expect(announcedAddress(bound, { announce: null, host: "box" })).toBe(announced);
});

test.each(["0.0.0.0:7071", "10.0.0.5:7071"])("a configured name replaces %s", (bound) => {
  expect(announcedAddress(bound, { announce: "gpu-1.lan", host: "box" })).toBe("gpu-1.lan:7071");
});
