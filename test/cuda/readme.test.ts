/** The README's program, as it stands there, on an emulated GPU. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { emulatedFolder, EmulatedGpu } from "../support/emulated-gpu.js";

const README = readFileSync(new URL("../../packages/cuda/README.md", import.meta.url), "utf8");
const folder = emulatedFolder();

test.skipIf(folder === null)("the vector addition of the README runs and is right", () => {
  const [, program = ""] = /```js\n([\s\S]*?)```/.exec(README) ?? [];
  const { environment } = new EmulatedGpu(folder ?? "");
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    cwd: new URL("..", import.meta.url),
    env: { ...process.env, ...environment },
  });
  expect(stderr).toBe("");
  expect(stdout).toBe("Emulated GPU 0 0.5 99999.5\n");
});
