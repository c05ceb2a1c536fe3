/** `gumshoe run` in a home whose disk is full, or missing: its messages, and how to resume. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { fillDisk } from "../support/faults.js";
import { Gumshoe, ROOT } from "../support/gumshoe.js";

const WAIT = { GUMSHOE_DISK_WAIT_SECONDS: "2" };
const CONFIG = `
name: tiny
type: grpo
model: ${join(ROOT, "models/rookie")}
iterations: 2
tasks: { source: { type: generate, tier: mini, style: clear, seed: 2001 }, perIteration: 2 }
rollouts: { perTask: 4, maxAnswerTokens: 32 }
updatesPerIteration: 1
`;

let folder: string;
let disk: string;
let config: string;
let digest: string;
let plain: Gumshoe;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-disk-"));
  disk = join(folder, "disk");
  config = join(folder, "tiny.yaml");
  mkdirSync(disk);
  writeFileSync(config, CONFIG);
  plain = await Gumshoe.create();
  digest = (await plain.run([config])).weightsDigest;
}, 120_000);
afterAll(async () => {
  await plain.close();
  spawnSync("umount", ["-l", disk]);
  rmSync(folder, { recursive: true, force: true });
});

const mount = (...options: string[]) =>
  spawnSync("mount", ["-o", options.join(","), "-t", "tmpfs", "tmpfs", disk]).status === 0;

test("a full disk ends the command with the needed space and the command to resume", async () => {
  if (!mount("size=12m")) {
    console.warn("SKIPPED the full disk of gumshoe run: only root can mount a small disk");
    return;
  }
  const home = join(disk, "home");
  const gumshoe = Gumshoe.in(home);
  const { code, err } = await gumshoe.start(["run", config], WAIT).ended;
  expect(code).toBe(1);
  const runFolder = join(home, "runs", "tiny");
  expect(err).toMatch(new RegExp(`the run waits: the disk of ${runFolder} is full`));
  const said = err.split("\n").find((line) => line.startsWith("gumshoe:")) ?? "";
  expect(said).toMatch(
    new RegExp(
      `^gumshoe: run tiny failed: the disk of ${runFolder} is full: \\S+ .B free, about \\S+ MB needed; ` +
        `the run continues by: npx gumshoe run ${config} --home ${home}$`,
    ),
  );
  expect(mount("remount", "size=200m")).toBe(true);
  // Fill the disk completely, so that even the end of the run cannot be recorded.
  const filler = join(disk, "filler");
  const again = gumshoe.start(["run", config], WAIT);
  await again.untilEvents("tiny", "run-resumed", 1);
  fillDisk(filler);
  const second = await again.ended;
  expect([second.code, second.err]).toEqual([1, expect.stringContaining("is full: 0 kB free")]);
  rmSync(filler);
  expect((await gumshoe.run([config])).weightsDigest).toBe(digest);
}, 120_000);

test("a missing home ends the command with its name and the command to resume", async () => {
  const gumshoe = await Gumshoe.create();
  const runs = join(gumshoe.home, "runs");
  const running = gumshoe.start(["run", config], WAIT);
  await running.untilEvents("tiny", "group-done", 1);
  renameSync(runs, `${runs}.away`);
  const { code, err } = await running.ended;
  expect(code).toBe(1);
  expect(err).toContain(
    `gumshoe: run tiny failed: ${join(runs, "tiny")} cannot be written to: it is gone (ENOENT)`,
  );
  expect(err).toContain(`the run continues by: npx gumshoe run ${config} --home ${gumshoe.home}`);
  expect(err).not.toMatch(/^ +at /m);
  renameSync(`${runs}.away`, runs);
  expect((await gumshoe.run([config])).weightsDigest).toBe(digest);
  await gumshoe.close();
}, 120_000);
