import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@gumshoe/core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { gitHash, HubServer, sha256 } from "../../../test/support/hub-server.js";
import { fetchModel, type FetchOptions, resolveCommit } from "./fetch-model.js";
import { readHubSettings } from "./settings.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const WEIGHTS = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256));
const FILES = {
  "config.json": Buffer.from("{}"),
  "tokenizer.json": Buffer.from("[]"),
  "model.safetensors": WEIGHTS,
  "pytorch_model.bin": Buffer.from("never read"),
};
const NAME = "owner/tiny";
const clock = { ...systemClock, sleep: async () => undefined };

let hub: HubServer;
let home: string;
beforeAll(async () => {
  hub = await HubServer.start();
});
afterAll(() => hub.stop());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "gumshoe-hub-"));
  hub.repos.clear();
  hub.repos.set(NAME, { commit: COMMIT, files: FILES });
  hub.requests.length = 0;
  hub.trouble = {};
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const settings = (env: NodeJS.ProcessEnv = {}) =>
  readHubSettings({ HF_ENDPOINT: hub.url, HF_HOME: home, ...env });
const fetchTiny = (
  options: Partial<FetchOptions> = {},
  revision: string | null = null,
  name = NAME,
) => fetchModel({ name, revision }, { settings: settings(), clock, texts: TEXTS, ...options });
const TEXTS = ["config.json", "tokenizer.json", "tokenizer_config.json"];
const kept = (...path: string[]) => join(home, "hub", "models--owner--tiny", ...path);

test("a model is cached in Python's layout: blobs by hash, links by name, the revision's commit", async () => {
  const seen: number[] = [];
  const fetched = await fetchTiny({ onProgress: ({ doneBytes }) => seen.push(doneBytes) });
  expect(fetched).toMatchObject({
    commit: COMMIT,
    folder: kept("snapshots", COMMIT),
    files: ["config.json", "model.safetensors", "tokenizer.json"],
    bytes: 300_004,
    fetchedBytes: 300_004,
  });
  expect(readFileSync(join(fetched.folder, "model.safetensors")).equals(WEIGHTS)).toBe(true);
  expect(readlinkSync(join(fetched.folder, "model.safetensors"))).toBe(
    `../../blobs/${sha256(WEIGHTS)}`,
  );
  expect(readlinkSync(join(fetched.folder, "config.json"))).toBe(
    `../../blobs/${gitHash(FILES["config.json"])}`,
  );
  expect(readFileSync(kept("refs", "main"), "utf8")).toBe(COMMIT);
  expect(seen.at(-1)).toBe(300_004);
  expect([...seen]).toEqual([...seen].sort((a, b) => a - b));
});

test("cached files are not downloaded again, and a newer commit downloads only what changed", async () => {
  await fetchTiny();
  hub.requests.length = 0;
  expect(await fetchTiny()).toMatchObject({ fetchedBytes: 0 });
  expect(hub.requests).toEqual([]);
  const newer = "a".repeat(40);
  hub.repos.set(NAME, { commit: newer, files: { ...FILES, "config.json": Buffer.from("{ }") } });
  expect(await fetchTiny()).toMatchObject({ commit: newer, fetchedBytes: 3 });
  expect(readFileSync(kept("refs", "main"), "utf8")).toBe(newer);
  expect(existsSync(kept("snapshots", COMMIT, "config.json"))).toBe(true);
});

test("an interrupted download continues at the byte where it ended", async () => {
  hub.trouble = { cutAfter: [100_000, 50_000] };
  const notices: string[] = [];
  const fetched = await fetchTiny({ onNotice: (text) => notices.push(text) });
  expect(readFileSync(join(fetched.folder, "model.safetensors")).equals(WEIGHTS)).toBe(true);
  const asked = hub.requests
    .filter(({ path }) => path === "model.safetensors")
    .map(({ from }) => from);
  expect(asked).toEqual([0, 100_000, 150_000]);
  expect(notices).toHaveLength(2);
  expect(notices[0]).toContain("trying again");
});

test("an aborted download is resumed by the next one", async () => {
  const stop = new AbortController();
  const reason = new Error("stopped on request");
  hub.trouble = { cutAfter: [100_000] };
  const stopped = fetchTiny({ signal: stop.signal, onNotice: () => stop.abort(reason) });
  await expect(stopped).rejects.toBe(reason);
  expect(existsSync(kept("refs", "main"))).toBe(false);
  expect(existsSync(kept("snapshots", COMMIT, "model.safetensors"))).toBe(false);
  expect(statSync(kept("blobs", `${sha256(WEIGHTS)}.incomplete`)).size).toBe(100_000);
  expect(await fetchTiny()).toMatchObject({ fetchedBytes: 200_000 });
});

test("a busy server is asked again, for a limited time", async () => {
  hub.trouble = { status: 503, statusTimes: 3 };
  expect(await fetchTiny()).toMatchObject({ commit: COMMIT });
  rmSync(kept(), { recursive: true });
  hub.trouble = { status: 503, statusTimes: 1000 };
  await expect(fetchTiny()).rejects.toThrow(`${hub.url}: answers 503`);
});

test("a body with a wrong hash is downloaded again once, then refused", async () => {
  hub.trouble = { spoilTimes: 1 };
  const { folder } = await fetchTiny();
  expect(readFileSync(join(folder, "model.safetensors")).equals(WEIGHTS)).toBe(true);
  rmSync(kept(), { recursive: true });
  hub.trouble = { spoilTimes: 1000 };
  await expect(fetchTiny()).rejects.toThrow(/\.json came with the hash \w+\.\.\., the hub says/);
  expect(existsSync(kept("refs", "main"))).toBe(false);
});

test("a truncated or corrupted blob is detected and downloaded again", async () => {
  await fetchTiny();
  const blob = kept("blobs", sha256(WEIGHTS));
  const notices: string[] = [];
  const onNotice = (text: string) => notices.push(text);
  truncateSync(blob, 1000);
  await fetchTiny({ onNotice });
  expect(readFileSync(blob).equals(WEIGHTS)).toBe(true);
  const spoiled = Buffer.from(WEIGHTS);
  spoiled[5] = 1;
  writeFileSync(blob, spoiled);
  await fetchTiny({ onNotice });
  expect(readFileSync(blob).equals(WEIGHTS)).toBe(true);
  const said = "model.safetensors in the cache is not whole or not right; it is fetched again";
  expect(notices).toEqual([said, said]);
});

test("a copied cache without links is used as it is; missing files are downloaded", async () => {
  await fetchTiny();
  cpSync(kept("snapshots"), kept("copy"), { recursive: true, dereference: true });
  rmSync(kept("blobs"), { recursive: true });
  rmSync(kept("snapshots"), { recursive: true });
  cpSync(kept("copy"), kept("snapshots"), { recursive: true });
  rmSync(kept("snapshots", COMMIT, "config.json"));
  expect(await fetchTiny()).toMatchObject({ fetchedBytes: 2 });
});

test("a model that is missing, private or gated is refused with advice", async () => {
  const page = `${hub.url}/owner/none`;
  await expect(fetchTiny({}, null, "owner/none")).rejects.toThrow(
    `owner/none: is not on ${hub.url}, or is private or gated: look at ${page}; what is not public needs a token`,
  );
  hub.repos.set("owner/gated", { commit: COMMIT, files: FILES, gated: true, token: "hf_right" });
  await expect(fetchTiny({}, null, "owner/gated")).rejects.toThrow(
    `owner/gated: is gated or not open to this account: ask for access at ${hub.url}/owner/gated, then name a token`,
  );
  const wrong = settings({ HF_TOKEN: "hf_wrong" });
  await expect(fetchTiny({ settings: wrong }, null, "owner/gated")).rejects.toThrow(
    "ask for access at",
  );
  await expect(fetchTiny({ settings: wrong }, null, "owner/none")).rejects.toThrow(
    `is not on ${hub.url}`,
  );
  const right = settings({ HF_TOKEN: "hf_right" });
  expect(await fetchTiny({ settings: right }, null, "owner/gated")).toMatchObject({
    commit: COMMIT,
  });
  expect(hub.requests.map(({ token }) => token)).toEqual(["hf_right", "hf_right", "hf_right"]);
  await expect(fetchTiny({}, "v9")).rejects.toThrow("owner/tiny@v9: has no such revision");
});

test("a model without safetensors is refused before anything is downloaded", async () => {
  hub.repos.set(NAME, {
    commit: COMMIT,
    files: { "config.json": Buffer.from("{}"), "a.bin": WEIGHTS },
  });
  await expect(fetchTiny()).rejects.toThrow(
    "has no weights in safetensors, only a.bin; choose a model that has",
  );
  expect(hub.requests).toEqual([]);
});

test("a model that the caller refuses after its text files costs no download of weights", async () => {
  const checkTexts = () => Promise.reject(new Error("not understood"));
  await expect(fetchTiny({ checkTexts })).rejects.toThrow("not understood");
  expect(hub.requests.map(({ path }) => path)).not.toContain("model.safetensors");
});

test("offline, a model that was downloaded before is found", async () => {
  await fetchTiny();
  const away = { HF_ENDPOINT: "http://127.0.0.1:1" };
  await expect(fetchTiny({ settings: settings(away) })).rejects.toThrow(
    "http://127.0.0.1:1: cannot be reached",
  );
  const offline = settings({ ...away, HF_HUB_OFFLINE: "1" });
  expect(await fetchTiny({ settings: offline })).toMatchObject({ commit: COMMIT });
  expect(await resolveCommit({ name: NAME, revision: null }, { settings: offline })).toBe(COMMIT);
  await expect(fetchTiny({ settings: offline }, "v9")).rejects.toThrow("and HF_HUB_OFFLINE is set");
});

test("the environment variables are those of Python's tools", () => {
  expect(readHubSettings({ HF_HOME: "/x" })).toEqual({
    endpoint: "https://huggingface.co",
    cacheFolder: "/x/hub",
    token: null,
    isOffline: false,
  });
  expect(readHubSettings({ HF_HOME: "/x", HF_HUB_CACHE: "/y" }).cacheFolder).toBe("/y");
  writeFileSync(join(home, "token"), "hf_kept\n");
  expect(settings().token).toBe("hf_kept");
  expect(() => readHubSettings({ HF_TOKEN: "abc" })).toThrow("HF_TOKEN: is no token of the hub");
  expect(() => readHubSettings({ HF_ENDPOINT: "ftp://x" })).toThrow("HF_ENDPOINT");
});
