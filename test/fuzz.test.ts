/** A small part of `npm run fuzz`: few texts for every parser. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { text } from "node:stream/consumers";

import { expect, test } from "vitest";

import { ROOT } from "./support/gumshoe.js";

const TEXTS = 40;

interface Tried {
  readonly parser: string;
  readonly texts: number;
  readonly findings: readonly unknown[];
}

test("no parser fails or hangs on random texts", async () => {
  const args = [join(ROOT, "scripts/fuzz.mjs"), "--texts", String(TEXTS), "--seed", "1"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const out = await text(child.stdout);
  expect(await ended, out).toBe(0);
  const tried = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Tried);
  expect(tried.length).toBeGreaterThan(35);
  expect(tried.every(({ texts, findings }) => texts === TEXTS && findings.length === 0)).toBe(true);
});
