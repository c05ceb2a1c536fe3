import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

import { verifyAlgorithm } from "@gumshoe/grpo";
import type { Device } from "@gumshoe/kernels";

import { GoldenFileError } from "../errors.js";
import type { VerifyCheck } from "./check.js";
import { readGoldenJson } from "./golden-json-file.js";
import { verifyModel } from "./verify-model.js";
import { CHATS, ENCODINGS, verifyTokenizer } from "./verify-tokenizer.js";

/** Options of {@link verifyPaths}. */
export interface VerifyOptions {
  /** Tokenizer of folders with encodings and chats; default: the folder itself. */
  readonly tokenizerDir?: string;
  /** Opens the device that models compute on; it is disposed of after each. */
  readonly openDevice: () => Device;
}

const ALGORITHM = "algorithm.json";

interface Target {
  readonly path: string;
  readonly kind: "model" | "tokenizer" | "algorithm";
}

/**
 * Compares the results of this build on this machine with golden numbers.
 *
 * @param paths  model folders with a `golden.json`, folders with `encodings.json` or `chats.json`, a file of
 *               algorithm numbers, or a folder of such folders and files
 * @throws       GoldenFileError when a path holds no golden numbers, or is broken; GoldenFormatError on an unknown
 *               kind or version
 */
export async function* verifyPaths(
  paths: readonly string[],
  options: VerifyOptions,
): AsyncGenerator<VerifyCheck> {
  const targets: Target[] = [];
  for (const path of paths) targets.push(...(await findTargets(path)));
  for (const target of targets) yield* verifyTarget(target, options);
}

async function* verifyTarget(
  { path, kind }: Target,
  options: VerifyOptions,
): AsyncGenerator<VerifyCheck> {
  switch (kind) {
    case "model": {
      const device = options.openDevice();
      try {
        yield* verifyModel(path, device);
      } finally {
        device.dispose();
      }
      return;
    }
    case "tokenizer":
      yield* verifyTokenizer(path, options.tokenizerDir ?? path);
      return;
    case "algorithm":
      for (const { name, ...check } of verifyAlgorithm((await readGoldenJson(path)).value)) {
        yield { path, case: name, output: "", torchError: null, ...check };
      }
      return;
    default:
      kind satisfies never;
  }
}

/** Finds the golden files of a path: the path itself, or else the entries of its folder. */
async function findTargets(path: string): Promise<Target[]> {
  const own = await ownTargets(path);
  if (own.length > 0) return own;
  const below: Target[] = [];
  for (const name of (await readdir(path)).sort()) {
    const child = join(path, name);
    if (name === ALGORITHM || (await stat(child)).isDirectory()) {
      below.push(...(await ownTargets(child)));
    }
  }
  if (below.length > 0) return below;
  throw new GoldenFileError(path, `has no golden.json, ${ENCODINGS}, ${CHATS} or ${ALGORITHM}`);
}

async function ownTargets(path: string): Promise<Target[]> {
  const found = await stat(path).catch(() => null);
  if (found === null) throw new GoldenFileError(path, "does not exist");
  if (!found.isDirectory()) return [{ path, kind: "algorithm" }];
  const names = await readdir(path);
  const targets: Target[] = [];
  if (names.includes("golden.json")) targets.push({ path, kind: "model" });
  if (names.includes(ENCODINGS) || names.includes(CHATS)) targets.push({ path, kind: "tokenizer" });
  return targets;
}
