import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseHubFile, parseRunConfig } from "@gumshoe/config";
import { systemClock } from "@gumshoe/core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";

import { HubServer, sha256 } from "../../../test/support/hub-server.js";
import { type DataFileOptions, fetchDataFile, resolveDataCommit } from "./fetch-data-file.js";
import { locateHubFiles } from "./locate-files.js";
import { readHubSettings } from "./settings.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const ROWS = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7 + (i >> 8)) % 256));
const FILES = {
  "README.md": Buffer.from("# about"),
  "main/train.parquet": ROWS,
  "main/test.jsonl": Buffer.from("{}\n"),
  "all.csv": Buffer.from("a,b\n1,2\n"),
};
const NAME = "hf://datasets/owner/sums";
const clock = { ...systemClock, sleep: async () => undefined };

let hub: HubServer;
let home: string;
beforeAll(async () => {
  hub = await HubServer.start();
});
afterAll(() => hub.stop());
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "gumshoe-data-"));
  hub.datasets.clear();
  hub.datasets.set("owner/sums", { commit: COMMIT, files: FILES });
  hub.requests.length = 0;
  hub.trouble = {};
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const settings = (env: NodeJS.ProcessEnv = {}) =>
  readHubSettings({ HF_ENDPOINT: hub.url, HF_HOME: home, ...env });
const fetchFile = (text: string, options: Partial<DataFileOptions> = {}) => {
  const named = parseHubFile(text);
  if (named === null) throw new Error(`${text} names no file`);
  const extensions = [".parquet", ".jsonl", ".csv"];
  const defaults = { settings: settings(), clock, extensions, maxBytes: 1e6 };
  return fetchDataFile(named, { ...defaults, ...options });
};
const kept = (...path: string[]) => join(home, "hub", "datasets--owner--sums", ...path);

test("one file is cached in Python's layout: its blob by hash, a link by path, the revision's commit", async () => {
  const fetched = await fetchFile(`${NAME}/main/train.parquet`);
  expect(fetched).toEqual({
    name: "owner/sums",
    commit: COMMIT,
    path: "main/train.parquet",
    file: kept("snapshots", COMMIT, "main", "train.parquet"),
    bytes: 300_000,
    fetchedBytes: 300_000,
  });
  expect(readFileSync(fetched.file).equals(ROWS)).toBe(true);
  expect(readlinkSync(fetched.file)).toBe(`../../../blobs/${sha256(ROWS)}`);
  expect(readFileSync(kept("refs", "main"), "utf8")).toBe(COMMIT);
  expect(hub.requests.map(({ path }) => path)).toEqual(["main/train.parquet"]);
  expect(await fetchFile(`${NAME}@${COMMIT}/main/train.parquet`)).toMatchObject({
    fetchedBytes: 0,
  });
  const csv = await fetchFile(`${NAME}@main/all.csv`);
  expect(readFileSync(csv.file, "utf8")).toBe("a,b\n1,2\n");
});

test("a download that broke off goes on, and a spoiled one is refused", async () => {
  hub.trouble = { cutAfter: [100_000] };
  await fetchFile(`${NAME}/main/train.parquet`);
  expect(hub.requests.map(({ from }) => from)).toEqual([0, 100_000]);
  writeFileSync(kept("blobs", sha256(ROWS)), "spoiled on disk");
  const again = await fetchFile(`${NAME}/main/train.parquet`);
  expect(again.fetchedBytes).toBe(300_000);
  rmSync(kept(), { recursive: true });
  hub.trouble = { spoilTimes: 10 };
  await expect(fetchFile(`${NAME}/main/train.parquet`)).rejects.toThrow("came with the hash");
});

test("a file that is not there is refused with those that are", async () => {
  const there = "it has main/train.parquet, main/test.jsonl, all.csv";
  const at = `datasets/owner/sums@${COMMIT}`;
  for (const path of ["main/tran.parquet", "nowhere/train.parquet", "none.csv"]) {
    await expect(fetchFile(`${NAME}/${path}`)).rejects.toThrow(
      `${at}: has no file ${path}; ${there}`,
    );
  }
  await expect(fetchFile(`${NAME}/README.md`)).rejects.toThrow(
    `${at}: README.md does not end in .parquet, .jsonl, .csv; ${there}`,
  );
  const shards = Array.from({ length: 20 }, (_, i) => `data/train-${i + 10}.csv`);
  const many = Object.fromEntries(shards.map((path) => [path, ROWS]));
  hub.datasets.set("owner/sums", { commit: COMMIT, files: many });
  await expect(fetchFile(`${NAME}/data/trian-12.csv`)).rejects.toThrow(
    "did you mean data/train-12.csv?",
  );
  hub.datasets.set("owner/sums", { commit: COMMIT, files: { "a.zip": ROWS } });
  await expect(fetchFile(`${NAME}/a.csv`)).rejects.toThrow("it has none that ends in .parquet");
  expect(hub.requests).toEqual([]);
});

test("a file that is too large is refused before anything is downloaded", async () => {
  const fetching = fetchFile(`${NAME}/main/train.parquet`, { maxBytes: 299_999 });
  await expect(fetching).rejects.toThrow("main/train.parquet has 300000 bytes, more than 299999");
  expect(hub.requests).toEqual([]);
});

test("a data set that is missing, private or gated is refused with advice", async () => {
  const page = `${hub.url}/datasets/owner/none`;
  await expect(fetchFile("hf://datasets/owner/none/a.csv")).rejects.toThrow(
    `datasets/owner/none: is not on ${hub.url}, or is private or gated: look at ${page}; what is not public needs a token`,
  );
  // A model of the name is another repository.
  hub.repos.set("owner/none", { commit: COMMIT, files: FILES });
  const wrong = { settings: settings({ HF_TOKEN: "hf_wrong" }) };
  await expect(fetchFile("hf://datasets/owner/none/a.csv", wrong)).rejects.toThrow(
    `is not on ${hub.url}: look at ${hub.url}/datasets`,
  );
  hub.datasets.set("owner/gated", { commit: COMMIT, files: FILES, gated: true, token: "hf_right" });
  const gated = "hf://datasets/owner/gated/all.csv";
  const ask = `ask for access at ${hub.url}/datasets/owner/gated`;
  await expect(fetchFile(gated)).rejects.toThrow(
    `datasets/owner/gated: is gated or not open to this account: ${ask}, then name a token`,
  );
  await expect(fetchFile(gated, wrong)).rejects.toThrow(ask);
  const right = { settings: settings({ HF_TOKEN: "hf_right" }) };
  expect(await fetchFile(gated, right)).toMatchObject({ bytes: 8 });
  expect(hub.requests).toEqual([{ path: "all.csv", from: 0, token: "hf_right" }]);
  await expect(fetchFile(`${NAME}@v9/all.csv`)).rejects.toThrow(
    "datasets/owner/sums@v9: has no such revision",
  );
});

test("offline, a file that was downloaded before is found, and no other", async () => {
  await fetchFile(`${NAME}/all.csv`);
  const away = { HF_ENDPOINT: "http://127.0.0.1:1" };
  await expect(fetchFile(`${NAME}/all.csv`, { settings: settings(away) })).rejects.toThrow(
    "http://127.0.0.1:1: cannot be reached",
  );
  const offline = { settings: settings({ ...away, HF_HUB_OFFLINE: "1" }) };
  expect(await fetchFile(`${NAME}/all.csv`, offline)).toMatchObject({ commit: COMMIT, bytes: 8 });
  await expect(fetchFile(`${NAME}/main/test.jsonl`, offline)).rejects.toThrow(
    `datasets/owner/sums@${COMMIT} has no main/test.jsonl in ${join(home, "hub")}, and HF_HUB_OFFLINE is set`,
  );
  const unknown = { name: "owner/other", revision: null };
  await expect(resolveDataCommit(unknown, offline)).rejects.toThrow(
    `datasets/owner/other is not in ${join(home, "hub")}, and HF_HUB_OFFLINE is set`,
  );
});

test("a config is located in the cache, as far as it has commits", () => {
  const source = (file: string) => ({ source: { type: "file", file } });
  const run = {
    name: "a",
    type: "grpo",
    model: `owner/tiny@${COMMIT}`,
    tasks: source(`${NAME}@${COMMIT}/main/train.parquet`),
    validation: source(`${NAME}/all.csv`),
  };
  const located = locateHubFiles(parseRunConfig(JSON.stringify(run)), "/cache");
  expect(located).toMatchObject({
    model: `/cache/models--owner--tiny/snapshots/${COMMIT}`,
    tasks: source(`/cache/datasets--owner--sums/snapshots/${COMMIT}/main/train.parquet`),
    validation: source(`${NAME}/all.csv`),
  });
});
