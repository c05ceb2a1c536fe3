import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { CompilerMissingError } from "../errors.js";
import { CompiledImages } from "./kernel-images.js";
import { KeptImages } from "./kept-images.js";

const KEY = { stem: "rows", source: "5".repeat(64), architecture: "sm_90" };
const IMAGE = Uint8Array.of(1, 2, 3);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-kept-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const any = () => true;

test("an image is found by what it was made of, and by a compiler that is accepted", () => {
  const kept = new KeptImages([join(folder, "made", "later")]);
  expect(kept.find(KEY, any)).toBeNull();
  kept.keep(KEY, { image: IMAGE, compiler: [12, 9] });
  kept.keep(KEY, { image: Uint8Array.of(4), compiler: [13, 0] });
  expect(kept.find(KEY, any)?.compiler).toEqual([13, 0]);
  const old = kept.find(KEY, ([major]) => major <= 12);
  expect([...(old?.image ?? [])]).toEqual([1, 2, 3]);
  for (const change of [{ stem: "row" }, { source: "6".repeat(64) }, { architecture: "sm_80" }]) {
    expect(kept.find({ ...KEY, ...change }, any)).toBeNull();
  }
});

test("a file whose content was damaged is passed over and removed, in whichever byte", () => {
  const kept = new KeptImages([folder]);
  for (const damage of [[1, 2], [1, 2, 4], [0, 2, 3], [1, 2, 3, 0], []]) {
    kept.keep(KEY, { image: IMAGE, compiler: [13, 0] });
    const [file = ""] = readdirSync(folder);
    expect([...readFileSync(join(folder, file))]).toEqual([1, 2, 3]);
    writeFileSync(join(folder, file), Uint8Array.from(damage));
    expect(kept.find(KEY, any)).toBeNull();
    expect(readdirSync(folder)).toEqual([]);
  }
});

test("an image that cannot be kept is no error", () => {
  writeFileSync(join(folder, "file"), "");
  const kept = new KeptImages([join(folder, "file", "below")]);
  kept.keep(KEY, { image: IMAGE, compiler: [13, 0] });
  expect(kept.find(KEY, any)).toBeNull();
});

test("without a compiler, the command that fetches it is named", () => {
  // There is no NVRTC 11 that is looked for.
  const images = new CompiledImages(90, { newestMajor: 11, environment: { HOME: folder } });
  expect(() => images.imageOf("rope")).toThrow(CompilerMissingError);
  expect(() => images.imageOf("rope")).toThrow(
    /there is no NVRTC .*CUDA 11: npx gumshoe cuda fetch$/,
  );
});
