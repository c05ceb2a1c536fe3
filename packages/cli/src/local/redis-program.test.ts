import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { expect, test } from "vitest";

import { findProgram, redisConfig } from "./redis-program.js";

test("a program is found in the first folder that has it as an executable", () => {
  const [a, b] = [0, 1].map(() => mkdtempSync(join(tmpdir(), "gumshoe-path-")));
  const path = ["", a, b].join(delimiter);
  expect(findProgram("valkey-server", path)).toBeNull();
  writeFileSync(join(a ?? "", "valkey-server"), "");
  writeFileSync(join(b ?? "", "valkey-server"), "");
  chmodSync(join(b ?? "", "valkey-server"), 0o755);
  expect(findProgram("valkey-server", path)).toBe(join(b ?? "", "valkey-server"));
  for (const folder of [a, b]) rmSync(folder ?? "", { recursive: true });
});

test("the local Redis listens on loopback, requires its password and writes nothing to disk", () => {
  const config = redisConfig({ port: 7001, folder: "/a folder", password: "secret" });
  const lines = ["bind 127.0.0.1", "port 7001", "requirepass secret", 'dir "/a folder"'];
  expect(config.split("\n")).toEqual(expect.arrayContaining([...lines, "appendonly no"]));
});
