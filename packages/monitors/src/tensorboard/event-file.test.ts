import { expect, test } from "vitest";

import { crc32c } from "./crc32c.js";
import { fileHeader, scalarRecord } from "./event-file.js";

test("the checksum is that of RFC 3720", () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
});

// Written with the messages and the RecordWriter of Python's package tensorboard 2.21.
const GOLDEN = `
  1800000000000000 a37f4b22 0900001040fc54d9411a0d627261696e2e4576656e743a32 338d2fe9
  1000000000000000 95fbfe18 0900001040fc54d94110ac023a020801 6b3b88f1
  3800000000000000 a3797d57 0900006040fc54d94110ac022a2a0a110a0a6d65616e52657761726415cdcccc3d0a150a0e
  6772616465642e6772c3b6c39f65159a6202d1 ad65c3a8
`;

test("a file has the bytes that TensorBoard's own writer writes", () => {
  const metrics = { meanReward: 0.1, "graded.größe": -3.5e10 };
  const point = scalarRecord({ step: 300, atMs: 1_700_000_001_500, metrics });
  const bytes = Buffer.concat([fileHeader(1_700_000_000_250, 300), point]);
  expect(bytes.toString("hex")).toBe(GOLDEN.replace(/\s/g, ""));
});
