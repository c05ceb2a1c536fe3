import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { checkNode, OLDEST_NODE } from "./examine.js";

const readRoot = (path: string) =>
  readFileSync(new URL(`../../../../${path}`, import.meta.url), "utf8");

test.each(["20.18.1", "20.19.0", "22.0.0", "100.0.0"])("Node.js %s is new enough", (version) => {
  expect(checkNode(version).verdict).toBe("ok");
});

test.each(["18.20.8", "20.9.0", "20.18.0", "9.30.30"])("Node.js %s is too old", (version) => {
  expect(checkNode(version)).toMatchObject({
    verdict: "problem",
    advice: "install Node.js 20.18.1 or newer",
  });
});

test("package.json, README, the command and the most demanding dependency name the same Node.js version", () => {
  const engine = (path: string) =>
    (JSON.parse(readRoot(path)) as { engines: { node: string } }).engines.node;
  expect(engine("package.json")).toBe(`>=${OLDEST_NODE}`);
  expect(engine("node_modules/undici/package.json")).toBe(`>=${OLDEST_NODE}`);
  expect(readRoot("packages/cli/bin/gumshoe.js")).toContain(`OLDEST_NODE = "${OLDEST_NODE}"`);
  expect(readRoot("README.md")).toContain(`Node.js ${OLDEST_NODE} or newer`);
});
