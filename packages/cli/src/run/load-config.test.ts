import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { loadRunConfig, moveConfig } from "./load-config.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a module is found beside its config, or the error names the field", () => {
  mkdirSync(join(folder, "model"));
  const file = join(folder, "run.yaml");
  const source = "{ type: module, module: ./mine.mjs, options: { size: 3 } }";
  writeFileSync(file, `type: grpo\nmodel: model\ntasks: { source: ${source} }\n`);
  const module = join(folder, "mine.mjs");
  expect(() => loadRunConfig(file, null)).toThrow(`tasks.source.module: there is no ${module}`);
  writeFileSync(module, "");
  expect(loadRunConfig(file, null)).toMatchObject({
    name: "run",
    tasks: { source: { type: "module", module, seed: 1, options: { size: 3 } } },
  });
});

test("all faults of a config are reported at once, one per line", () => {
  const file = join(folder, "wrong.yaml");
  const source = "{ type: module, module: gone.mjs }";
  writeFileSync(file, `type: grpo\nmodel: nowhere\ntasks: { source: ${source} }\n`);
  expect(() => loadRunConfig(file, null)).toThrow(
    [
      `2 problems in ${file}:`,
      `  model: there is no ${join(folder, "nowhere")}`,
      `  tasks.source.module: there is no ${join(folder, "gone.mjs")}`,
    ].join("\n"),
  );
  writeFileSync(file, "type: grpo\nmodel: model\nlanes: -1\niteration: 3\n");
  expect(() => loadRunConfig(file, null)).toThrow(
    [
      `3 problems in ${file}:`,
      "  iteration: unknown field (did you mean iterations?)",
      "  tasks: is missing",
      "  lanes: must be at least 1",
    ].join("\n"),
  );
});

test("a config for another machine has the paths of that machine", () => {
  mkdirSync(join(folder, "models/small"), { recursive: true });
  const file = join(folder, "moved.yaml");
  writeFileSync(file, "type: grpo\nmodel: models/small\ntasks: { source: { type: generate } }\n");
  const config = loadRunConfig(file, null);
  expect(moveConfig(config, { from: folder, to: "/gumshoe" }).model).toBe("/gumshoe/models/small");
  const from = join(folder, "models/other");
  expect(() => moveConfig(config, { from, to: "/gumshoe" })).toThrow(
    `model: ${config.model} is not in ${from}`,
  );
});
