import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { BridgeProcess } from "./bridge-process.js";

const hasPython = spawnSync("python3", ["--version"]).status === 0;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-bridge-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the bridge with a client of this text. */
function start(client: string, answerWithinMs = 20_000): BridgeProcess {
  writeFileSync(join(folder, "wandb.py"), client);
  const env = { PATH: process.env["PATH"], PYTHONPATH: folder };
  return new BridgeProcess({ python: "python3", client: "wandb", folder, env, answerWithinMs });
}
const OPEN = { open: { project: "p", name: "n", id: "i", config: {}, next: 3 } };

test("a Python that is not there is an error that names it", async () => {
  const options = { python: "no-such-python", client: "wandb", folder, env: {} };
  await expect(new BridgeProcess(options).call(OPEN)).rejects.toThrow("no-such-python");
});

describe.skipIf(!hasPython)("the bridge (needs python3)", () => {
  test("an error of the client is told with its reason, and ends the process", async () => {
    const bridge = start('def init(**_):\n    raise ValueError("api_key not configured")');
    await expect(bridge.call(OPEN)).rejects.toThrow("ValueError: api_key not configured");
    await expect(bridge.call(OPEN)).rejects.toThrow();
  });

  test("a client that is not installed, or crashes, is told by its last words", async () => {
    await expect(start("import no_such_module").call(OPEN)).rejects.toThrow("no_such_module");
    const crash = "import os, sys\nsys.stderr.write('out of luck\\n')\nos._exit(7)";
    await expect(start(crash).call(OPEN)).rejects.toThrow(/exit code 7: out of luck/);
  });

  test("a client that hangs is killed", async () => {
    const bridge = start("import time\ntime.sleep(600)", 300);
    await expect(bridge.call(OPEN)).rejects.toThrow("no answer for 0.3 s");
    await expect(bridge.call(OPEN)).rejects.toThrow("no answer");
  });
});
