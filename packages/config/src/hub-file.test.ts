import { expect, test } from "vitest";

import { hubFileText, parseHubFile, parsePinnedFile } from "./hub-file.js";
import { hubFiles, replaceHubFiles } from "./hub-sources.js";
import { namedPaths, resolvePaths } from "./named-paths.js";
import { parseRunConfig } from "./parse.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";
const GSM8K = "hf://datasets/openai/gsm8k";

test.each([
  [`${GSM8K}/main/train.parquet`, null, "main/train.parquet"],
  [`${GSM8K}@main/socratic/test.jsonl`, "main", "socratic/test.jsonl"],
  [`${GSM8K}@${COMMIT}/a b.csv`, COMMIT, "a b.csv"],
  [`${GSM8K}@refs%2Fconvert%2Fparquet/x/0.parquet`, "refs/convert/parquet", "x/0.parquet"],
  [`${GSM8K}@my%2Fbranch/x.json`, "my/branch", "x.json"],
])("%s names a file on the hub", (text, revision, path) => {
  const name = { name: "openai/gsm8k", revision, path };
  expect(parseHubFile(text)).toEqual(name);
  expect(hubFileText(name)).toBe(text);
});

test("the slashes of the hub's own references may stay", () => {
  const revision = "refs/convert/parquet";
  expect(parseHubFile(`${GSM8K}@${revision}/x/0.parquet`)).toMatchObject({
    revision,
    path: "x/0.parquet",
  });
  expect(parseHubFile(`${GSM8K}@refs/pr/1/x.csv`)).toMatchObject({ revision: "refs/pr/1" });
});

test.each([
  "hf://datasets/gsm8k",
  "hf://datasets/openai/gsm8k",
  "hf://datasets/openai/gsm8k/",
  "hf://datasets/openai/gsm8k@/a.csv",
  "hf://datasets/openai/gsm8k@..%2Fx/a.csv",
  "hf://datasets/openai/gsm8k/../a.csv",
  "hf://datasets/openai/gsm8k/a//b.csv",
  "hf://datasets/openai/gsm8k/a\\b.csv",
  "hf://datasets/a--b/c/d.csv",
  "hf://datasets/../b/d.csv",
  "hf://models/openai/gsm8k/a.csv",
  "hf:datasets/openai/gsm8k/a.csv",
])("%s is refused, with the field", (file) => {
  expect(parseHubFile(file)).toBeNull();
  expect(() => configOf({ type: "file", file })).toThrow(
    "tasks.source.file: must be hf://datasets/owner/name/path or hf://datasets/owner/name@revision/path",
  );
});

test("a pinned file has its whole commit", () => {
  const pinned = { name: "a/b", commit: COMMIT, path: "c/d.csv" };
  expect(parsePinnedFile(`hf://datasets/a/b@${COMMIT}/c/d.csv`)).toEqual(pinned);
  expect(parsePinnedFile(`hf://datasets/a/b@${COMMIT.slice(1)}/c/d.csv`)).toBeNull();
  expect(parsePinnedFile("hf://datasets/a/b/c/d.csv")).toBeNull();
});

test("files on the hub are listed and replaced by field, and are no paths", () => {
  const [train, test] = [`${GSM8K}/train.parquet`, `${GSM8K}/test.parquet`];
  const config = configOf(
    {
      type: "mix",
      sources: [
        { name: "a", source: { type: "file", file: train } },
        { name: "b", source: { type: "file", file: "b.csv" } },
      ],
    },
    { validation: { source: { type: "dataset", file: test } } },
  );
  const field = "tasks.source.sources.0.source.file";
  expect(hubFiles(config)).toEqual([
    { field, file: train, type: "file" },
    { field: "validation.source.file", file: test, type: "dataset" },
  ]);
  expect(namedPaths(resolvePaths(config, "/data")).map(({ path }) => path)).toEqual([
    "/data/m",
    "/data/b.csv",
  ]);
  const replaced = replaceHubFiles(config, (name, file) => `/cache/${name} ${file}`);
  expect(namedPaths(replaced).map(({ path }) => path)).toEqual([
    "m",
    `/cache/${field} ${train}`,
    "b.csv",
    `/cache/validation.source.file ${test}`,
  ]);
});

function configOf(source: unknown, more: object = {}) {
  const run = { name: "a", type: "grpo", model: "m", tasks: { source }, ...more };
  return parseRunConfig(JSON.stringify(run));
}
