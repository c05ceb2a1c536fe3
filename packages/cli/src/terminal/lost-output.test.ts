/** The command's behaviour when its output cannot be written. */
import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { expect, test } from "vitest";

const COMMAND = fileURLToPath(new URL("../../bin/gumshoe.js", import.meta.url));
/** A device whose writes fail with ENOSPC, as on a full disk. */
const FULL = "/dev/full";

test.runIf(existsSync(FULL))("a result that cannot be written is a failure with one line", () => {
  const full = openSync(FULL, "w");
  const stdio = ["ignore", full, "pipe"] as const;
  const { status, stderr } = spawnSync(process.execPath, [COMMAND, "--help"], {
    stdio: [...stdio],
    encoding: "utf8",
  });
  closeSync(full);
  expect(status).toBe(1);
  expect(stderr).toMatch(/^gumshoe: the result cannot be written: .*no space left.*\n$/);
});

test.runIf(existsSync(FULL))("a failure to write progress changes no exit code", () => {
  const full = openSync(FULL, "w");
  const { status } = spawnSync(process.execPath, [COMMAND, "statu"], {
    stdio: ["ignore", "pipe", full],
  });
  closeSync(full);
  expect(status).toBe(2);
});

test("an early closed pipe is not a failure", () => {
  const shell = `"${process.execPath}" "${COMMAND}" --help | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", shell], { encoding: "utf8" });
  expect(stdout).toBe("0\n");
  expect(stderr).toBe("");
});
