import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { shownCommand } from "./shown-command.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-path-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a command is shown with npx unless gumshoe is on the user's own PATH", () => {
  const local = join(folder, "node_modules/.bin");
  const installed = join(folder, "bin");
  for (const place of [local, installed]) {
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, "gumshoe"), "#!/bin/sh\n", { mode: 0o755 });
  }
  expect(shownCommand({}, ["status"])).toBe("npx gumshoe status");
  expect(shownCommand({ PATH: local }, ["status"])).toBe("npx gumshoe status");
  expect(shownCommand({ PATH: [local, installed].join(delimiter) }, ["status"])).toBe(
    "gumshoe status",
  );
});

test("words with spaces and quotes are quoted for a shell", () => {
  expect(shownCommand({}, ["run", "my runs/it's.yaml", "--home", "/a-b/c.d"])).toBe(
    "npx gumshoe run 'my runs/it'\\''s.yaml' --home /a-b/c.d",
  );
});
