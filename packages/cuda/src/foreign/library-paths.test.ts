import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

import { libraryPaths } from "./library-paths.js";

const NAMES = { files: ["libx.so.2", "libx.so.1"], packages: ["cu13/lib", "x/lib"] };
let root: string;

/** Makes empty files below the root. */
const make = (...paths: readonly string[]) => {
  for (const path of paths) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), "");
  }
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "gumshoe-paths-"));
  make("toolkit/lib64/libx.so.1", "toolkit/lib64/libx.so.2");
  make("venv/lib/python3.11/site-packages/nvidia/x/lib/libx.so.1");
  make("conda/lib/python3.12/site-packages/nvidia/cu13/lib/libx.so.2", "conda/lib/libx.so.1");
  make("kept/libx.so.2", "kept/libx.so.20");
});
afterAll(() => rmSync(root, { recursive: true }));

test("a path that is given is the only one", () => {
  expect(libraryPaths(NAMES, { library: "/my/libx.so", folders: [root] })).toEqual(["/my/libx.so"]);
});

test("without any place there is the system's library path", () => {
  expect(libraryPaths(NAMES, { library: null, environment: { CUDA_HOME: "" } })).toEqual(
    NAMES.files,
  );
});

test("the toolkit comes before Python's packages, and given folders come last", () => {
  const environment = {
    CUDA_HOME: join(root, "toolkit"),
    VIRTUAL_ENV: join(root, "venv"),
    CONDA_PREFIX: join(root, "conda"),
  };
  const found = libraryPaths(NAMES, { environment, folders: [join(root, "kept"), "/nowhere"] });
  expect(found.slice(2)).toEqual(
    [
      "toolkit/lib64/libx.so.2",
      "toolkit/lib64/libx.so.1",
      "venv/lib/python3.11/site-packages/nvidia/x/lib/libx.so.1",
      "conda/lib/python3.12/site-packages/nvidia/cu13/lib/libx.so.2",
      "conda/lib/libx.so.1",
      "kept/libx.so.2",
    ].map((path) => join(root, path)),
  );
});
