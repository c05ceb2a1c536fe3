import { expect, test } from "vitest";

import { hubModelText, parseHubModel, parsePinnedModel } from "./hub-model.js";

const COMMIT = "7ae557604adf67be50417f59c2c2f167def9a775";

test.each([
  ["Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-0.5B-Instruct", null],
  ["a/b@main", "a/b", "main"],
  ["a/b@refs/pr/1", "a/b", "refs/pr/1"],
  [`a/b@${COMMIT}`, "a/b", COMMIT],
])("%s names a model on the hub", (text, name, revision) => {
  expect(parseHubModel(text)).toEqual({ name, revision });
  expect(hubModelText({ name, revision })).toBe(text);
});

test.each([
  "model",
  "/a/b",
  "./a/b",
  "a/b/c",
  "../a",
  "a/..",
  "a/b@",
  "a/b@../c",
  "a--b/c",
  "a/b.git",
  "a/b/",
])("%s is a path", (text) => {
  expect(parseHubModel(text)).toBeNull();
});

test("a pinned model has its whole commit", () => {
  expect(parsePinnedModel(`a/b@${COMMIT}`)).toEqual({ name: "a/b", commit: COMMIT });
  expect(parsePinnedModel(`a/b@${COMMIT.slice(1)}`)).toBeNull();
  expect(parsePinnedModel("a/b")).toBeNull();
});
