import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { afterEach, beforeEach, expect, test } from "vitest";

import { AllowedFolders } from "./allowed-folders.js";
import { HubInputs } from "./hub-inputs.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const PINNED = `hf://datasets/owner/sums@${COMMIT}/main/train.csv`;
const INPUTS = { model: [], sources: [] };

let cache: string;
let hub: HubInputs;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "gumshoe-cache-"));
  hub = new HubInputs(cache);
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

function configOf(file: string) {
  const tasks = { source: { type: "file", file } };
  return parseRunConfig(JSON.stringify({ name: "a", type: "grpo", model: cache, tasks }));
}

const link = () => join(cache, "datasets--owner--sums/snapshots", COMMIT, "main/train.csv");

/** Puts a file into the cache, under the hash of what the hub has. */
function keep(text: string, hubText: string, kind: "sha256" | "git"): void {
  const hash = kind === "git" ? createHash("sha1").update(`blob ${hubText.length}\0`) : sha256();
  const blob = join(cache, "datasets--owner--sums/blobs", hash.update(hubText).digest("hex"));
  mkdirSync(dirname(blob), { recursive: true });
  mkdirSync(dirname(link()), { recursive: true });
  writeFileSync(blob, text);
  rmSync(link(), { force: true });
  symlinkSync(blob, link());
}

const sha256 = () => createHash("sha256");

test("a file on the hub is refused without its commit, and where it is not in the cache", async () => {
  const unpinned = configOf("hf://datasets/owner/sums@main/main/train.csv");
  await expect(hub.check(unpinned)).rejects.toThrow(
    /^tasks\.source\.file: .* has no commit \(.* hf:\/\/datasets\/owner\/sums@<40 digits>\/main\/train\.csv; gumshoe submit finds it\)$/,
  );
  await expect(hub.check(configOf(PINNED))).rejects.toThrow(
    `tasks.source.file: ${PINNED} is not in the hub cache of this machine, ${cache} (fetch it on the ` +
      `coordinator's machine: gumshoe data pull ${PINNED})`,
  );
  keep("a", "a", "git");
  await hub.check(configOf(PINNED));
});

test.each(["sha256", "git"] as const)("a file is compared with its blob's %s", async (kind) => {
  keep("a,b\n", "a,b\n", kind);
  await hub.checkBlobs(configOf(PINNED), INPUTS);
  keep("a,c\n", "a,b\n", kind);
  await expect(hub.checkBlobs(configOf(PINNED), INPUTS)).rejects.toThrow(
    `tasks.source.file: the file in the hub cache is not what the hub has for ${PINNED}`,
  );
  // A copied cache has files in place of links.
  rmSync(link());
  writeFileSync(link(), "a,c\n");
  await hub.checkBlobs(configOf(PINNED), INPUTS);
});

test("the cache must be below a folder that the cluster allows", async () => {
  keep("a", "a", "git");
  const located = hub.locate(configOf(PINNED));
  expect(located).toMatchObject({ tasks: { source: { file: link() } } });
  const home = join(cache, "home");
  await new AllowedFolders({ folders: [cache], home }).check(located);
  const elsewhere = new AllowedFolders({ folders: [join(cache, "models")], home });
  await expect(elsewhere.check({ ...located, model: join(cache, "models") })).rejects.toThrow(
    "model: there is no",
  );
  mkdirSync(join(cache, "models"));
  await expect(elsewhere.check({ ...located, model: join(cache, "models") })).rejects.toThrow(
    `tasks.source.file: ${link()} is not below a folder that this cluster allows`,
  );
});
