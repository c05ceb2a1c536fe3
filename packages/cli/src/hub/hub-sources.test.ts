import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { hubFiles, parseRunConfig, type RunConfig } from "@gumshoe/config";
import { systemClock } from "@gumshoe/core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";

import { HubServer } from "../../../../test/support/hub-server.js";
import { openTasks } from "../eval/open-tasks.js";
import { withPlanFiles } from "../plan/billed-run.js";
import { bringSource, settleSources, type SourceOptions } from "./hub-sources.js";
import { knownConfig, locatedConfig } from "./settle-config.js";

const OLD = "a".repeat(40);
const NEW = "b".repeat(40);
const SUMS = "hf://datasets/owner/sums";
const HERE: SourceOptions = { known: null, isHere: true, again: "gumshoe run x" };
const rows = (answer: string) => Buffer.from(`{"prompt":"6 x 7?","answer":"${answer}"}\n`);
const FILES = { "train.jsonl": rows("42"), "test/a.csv": Buffer.from("prompt,answer\nwho?,you\n") };

let hub: HubServer;
let folder: string;
let said: string;
beforeAll(async () => {
  hub = await HubServer.start();
  folder = mkdtempSync(join(tmpdir(), "gumshoe-sources-"));
});
afterAll(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  said = "";
  hub.requests.length = 0;
  hub.datasets.clear();
  hub.datasets.set("owner/sums", { commit: OLD, files: FILES });
  rmSync(join(folder, "hf"), { recursive: true, force: true });
});

function context(env: NodeJS.ProcessEnv = {}) {
  const err = (text: string) => void (said += text);
  return {
    terminal: { out: err, err, isScreen: false, columns: 80 },
    env: { HF_ENDPOINT: hub.url, HF_HOME: join(folder, "hf"), PATH: "", ...env },
    clock: { ...systemClock, sleep: async () => undefined },
    workingFolder: folder,
  };
}

function config(train: string, test = `${SUMS}/test/a.csv`): RunConfig {
  const of = (file: string) => ({ source: { type: "file", file } });
  const run = { name: "x", type: "grpo", model: "m", tasks: of(train), validation: of(test) };
  return parseRunConfig(JSON.stringify(run));
}

async function settle(
  train: string,
  options: Partial<SourceOptions> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const settled = await settleSources(config(train), { ...HERE, ...options }, context(env));
  return hubFiles(settled).map(({ file }) => file);
}

const AT_OLD = [`${SUMS}@${OLD}/train.jsonl`, `${SUMS}@${OLD}/test/a.csv`];
const AT_NEW = [`${SUMS}@${NEW}/train.jsonl`, `${SUMS}@${NEW}/test/a.csv`];
const AWAY = { HF_ENDPOINT: "http://127.0.0.1:1" };

test("names get the commit, and the files are here then", async () => {
  expect(await settle(`${SUMS}/train.jsonl`)).toEqual(AT_OLD);
  const located = locatedConfig(config(AT_OLD[0] ?? "", AT_OLD[1]), context().env);
  const source = located.type === "grpo" ? located.tasks.source : null;
  const file = source?.type === "file" ? source.file : "";
  expect(readFileSync(file).equals(FILES["train.jsonl"])).toBe(true);
  hub.requests.length = 0;
  expect(await settle(AT_OLD[0] ?? "", {}, {})).toEqual(AT_OLD);
  expect(hub.requests).toEqual([]);
});

test("a run that is continued keeps its commits, and others are taken elsewhere", async () => {
  hub.datasets.set("owner/sums", { commit: NEW, files: FILES });
  const known = config(AT_OLD[0] ?? "", AT_OLD[1]);
  expect(await settle(`${SUMS}/train.jsonl`, { known, isHere: false })).toEqual(AT_OLD);
  expect(said).toContain(`tasks.source.file ${AT_OLD[0]}: the commit that run x began with`);
  const other = config(`${SUMS}@${OLD}/other.jsonl`, AT_NEW[1]);
  expect(await settle(`${SUMS}/train.jsonl`, { known: other, isHere: false })).toEqual(AT_NEW);
  expect(hub.requests).toEqual([]);
});

test("without the hub, what was fetched is used, and said", async () => {
  await expect(settle(`${SUMS}/train.jsonl`, {}, AWAY)).rejects.toThrow(
    /^tasks\.source\.file: http:.* cannot be reached: .*go on by: gumshoe run x$/,
  );
  await settle(`${SUMS}/train.jsonl`);
  expect(await settle(`${SUMS}/train.jsonl`, {}, AWAY)).toEqual(AT_OLD);
  expect(said).toContain(`the hub cannot be reached; ${AT_OLD[0]} is used, which was fetched`);
  const offline = { ...AWAY, HF_HUB_OFFLINE: "1" };
  expect(await settle(`${SUMS}/train.jsonl`, {}, offline)).toEqual(AT_OLD);
  await expect(settle(`${SUMS}/more.jsonl`, {}, offline)).rejects.toThrow(
    `tasks.source.file: datasets/owner/sums@${OLD} has no more.jsonl in`,
  );
});

test("errors name the field", async () => {
  hub.datasets.set("owner/mine", { commit: OLD, files: FILES, gated: true, token: "hf_mine" });
  await expect(settle("hf://datasets/owner/mine/train.jsonl")).rejects.toThrow(
    /^tasks\.source\.file: datasets\/owner\/mine: is gated .* then name a token of .* in HF_TOKEN$/,
  );
  await expect(settle("hf://datasets/owner/none/train.jsonl")).rejects.toThrow(
    /^tasks\.source\.file: datasets\/owner\/none: is not on http/,
  );
  await expect(settle(`${SUMS}/tran.jsonl`)).rejects.toThrow(
    `tasks.source.file: datasets/owner/sums@${OLD}: has no file tran.jsonl; it has train.jsonl, test/a.csv`,
  );
});

test("an evaluation and a plan read the file that is fetched for them", async () => {
  const source = `{ type: file, file: "${SUMS}/test/a.csv" }`;
  const tasks = await openTasks({ source }, { config: null, context: context() });
  expect(tasks.messages).toEqual([[{ role: "user", content: "who?" }]]);
  await tasks.close();
  const missing = { type: "file", file: `${SUMS}/none.csv` } as const;
  const named = { field: "--source", source: { ...missing, ...COLUMNS } };
  await expect(bringSource(named, { again: "", context: context() })).rejects.toThrow(
    /^--source\.file: .* has no file none\.csv/,
  );
  const planned = await withPlanFiles(config(`${SUMS}/train.jsonl`), {
    again: "",
    context: context(),
  });
  expect(planned).toMatchObject({
    tasks: {
      source: { file: expect.stringMatching(`^${folder}.*/${OLD}/train.jsonl$`) as string },
    },
  });
});

test("the config that a run began with is read from its folder", () => {
  const run = join(folder, "run");
  expect(knownConfig(run)).toBeNull();
  mkdirSync(run);
  writeFileSync(join(run, "config.json"), JSON.stringify(config(AT_OLD[0] ?? "")));
  expect(knownConfig(run)).toMatchObject({ name: "x" });
  writeFileSync(join(run, "config.json"), JSON.stringify({ model: "a/b" }));
  expect(knownConfig(run)).toBeNull();
});

const COLUMNS = { answer: "answer", grader: { type: "exact" }, split: null } as const;
