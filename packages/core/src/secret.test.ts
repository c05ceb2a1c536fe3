import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, expect, test } from "vitest";

import { readSecret } from "./secret.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-secret-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, "token");
writeFileSync(file, "from-file\n");
const empty = join(folder, "empty");
writeFileSync(empty, "\n");

test.each([
  [{}, null],
  [{ TOKEN: "", TOKEN_FILE: "" }, null],
  [{ TOKEN: "plain" }, "plain"],
  [{ TOKEN_FILE: file }, "from-file"],
])("%o gives the secret %s", (env, secret) => {
  expect(readSecret(env, "TOKEN")).toBe(secret);
});

test.each([
  [{ TOKEN: "plain", TOKEN_FILE: file }, "TOKEN_FILE: TOKEN is set too"],
  [{ TOKEN_FILE: empty }, `TOKEN_FILE: ${empty} is empty`],
  [{ TOKEN_FILE: join(folder, "none") }, "TOKEN_FILE: ENOENT"],
])("%o is an error that names the variable", (env, message) => {
  expect(() => readSecret(env, "TOKEN")).toThrow(message);
});
