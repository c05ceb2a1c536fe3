import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { HubServer } from "../../../test/support/hub-server.js";
import { readHubSettings } from "./settings.js";
import { uploadFolder } from "./upload-folder.js";

let hub: HubServer;
let folder: string;
beforeAll(async () => {
  hub = await HubServer.start();
  folder = mkdtempSync(join(tmpdir(), "gumshoe-upload-"));
});
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a folder is uploaded as one commit, with a model card, to a repository that is created for it", async () => {
  const weights = Buffer.alloc(20_000, 7);
  writeFileSync(join(folder, "model.safetensors"), weights);
  writeFileSync(join(folder, "config.json"), "{}");
  const phases: string[] = [];
  const uploaded = await uploadFolder({
    settings: readHubSettings({ HF_ENDPOINT: hub.url, HF_TOKEN: "hf_mine" }),
    name: "me/detective",
    folder,
    files: ["config.json", "model.safetensors"],
    texts: { "README.md": "# a card" },
    isPrivate: true,
    title: "first",
    onPhase: (text) => phases.push(text),
  });
  expect(uploaded).toEqual({
    name: "me/detective",
    url: `${hub.url}/me/detective`,
    commit: "1".repeat(40),
    files: ["README.md", "config.json", "model.safetensors"],
  });
  expect(hub.created).toEqual([
    expect.objectContaining({ organization: "me", name: "detective", visibility: "private" }),
  ]);
  expect(hub.uploaded.get("me/detective/model.safetensors")?.equals(weights)).toBe(true);
  expect(String(hub.uploaded.get("me/detective/README.md"))).toBe("# a card");
  expect(phases).toContain("uploading the weights");
});
