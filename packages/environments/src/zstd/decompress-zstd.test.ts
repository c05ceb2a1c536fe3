import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { ZstdError } from "../errors.js";
import { decompressZstd } from "./decompress-zstd.js";

interface Frame {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Base64 of what the program zstd made. */
  readonly frame: string;
}

const FILE = join(import.meta.dirname, "../../../../test/golden/parquet/frames.json");
const FRAMES = JSON.parse(readFileSync(FILE, "utf8")) as Frame[];
const bytesOf = ({ frame }: Frame) => new Uint8Array(Buffer.from(frame, "base64"));
const named = (name: string) => {
  const frame = FRAMES.find((one) => one.name === name);
  if (frame === undefined) throw new Error(`there is no frame ${name}`);
  return frame;
};
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const SKIPPED = Uint8Array.of(0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

test.each(FRAMES)("$name is decompressed to what was compressed", (frame) => {
  const content = decompressZstd(bytesOf(frame), frame.bytes);
  expect(content).toHaveLength(frame.bytes);
  expect(sha256(content)).toBe(frame.sha256);
});

test("frames follow each other, and some are skipped", () => {
  const [first, second] = [named("text -3"), named("letters -19 --no-check")];
  const both = Buffer.concat([bytesOf(first), SKIPPED, bytesOf(second), SKIPPED]);
  const content = decompressZstd(both, first.bytes + second.bytes);
  expect(sha256(content.subarray(0, first.bytes))).toBe(first.sha256);
  expect(sha256(content.subarray(first.bytes))).toBe(second.sha256);
});

describe.each(["text -3", "letters -3", "mixed -3", "run -3"])("%s, damaged,", (name) => {
  const frame = named(name);
  const whole = bytesOf(frame);

  test("is refused when it is cut anywhere", () => {
    for (let end = 1; end < whole.length; end++) {
      const cut = () => decompressZstd(whole.subarray(0, end), frame.bytes);
      expect(cut, `${end} bytes`).toThrow(ZstdError);
    }
  });

  test("is refused when a bit of it is another, for its checksum at the latest", () => {
    let numRefused = 0;
    // At most 700 of them, in steps that reach every bit of a byte.
    const step = Math.max(3, 2 * Math.ceil((whole.length * 8) / 1400) + 1);
    for (let bit = 0; bit < whole.length * 8; bit += step) {
      const changed = Uint8Array.from(whole);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      try {
        // A window of another size holds the same.
        expect(sha256(decompressZstd(changed, frame.bytes)), `bit ${bit}`).toBe(frame.sha256);
      } catch (thrown) {
        expect(thrown, `bit ${bit}`).toBeInstanceOf(ZstdError);
        numRefused++;
      }
    }
    expect(numRefused).toBeGreaterThan(((whole.length * 8) / step) * 0.7);
  });
});

test("damage without a checksum ends in an error or in as many bytes, soon", () => {
  const frame = named("mixed -19 --no-check");
  const whole = bytesOf(frame);
  for (let bit = 0; bit < whole.length * 8; bit += 31) {
    const changed = Uint8Array.from(whole);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    try {
      expect(decompressZstd(changed, frame.bytes)).toHaveLength(frame.bytes);
    } catch (thrown) {
      expect(thrown, `bit ${bit}`).toBeInstanceOf(ZstdError);
    }
  }
});

test.each([
  ["text -3", (bytes: number) => bytes - 1, "a block holds too much"],
  ["run -3", (bytes: number) => bytes - 1, "it holds more than it should"],
  ["text -3", (bytes: number) => bytes + 1, /it holds \d+ bytes, not \d+/],
  ["short -3", () => 1_000_000_000, "26 bytes cannot hold 1000000000"],
])("%s of another size than it should have is refused", (name, size, message) => {
  const frame = named(name);
  expect(() => decompressZstd(bytesOf(frame), size(frame.bytes))).toThrow(message);
});

test.each([
  ["no magic number", [1, 2, 3, 4, 5, 6, 7, 8], "it does not begin as Zstandard"],
  ["a dictionary", [0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 0, 1, 0, 0], "it needs a dictionary"],
  ["a reserved flag", [0x28, 0xb5, 0x2f, 0xfd, 0x28, 0, 1, 0, 0], "of a later version"],
  ["a reserved block", [0x28, 0xb5, 0x2f, 0xfd, 0x20, 9, 7, 0, 0], "a block is not valid"],
  ["a block above its limit", [0x28, 0xb5, 0x2f, 0xfd, 0x20, 9, 0x53, 0, 0, 1], "is not valid"],
])("%s is refused", (_, bytes, message) => {
  expect(() => decompressZstd(Uint8Array.from(bytes), 9)).toThrow(message);
});
