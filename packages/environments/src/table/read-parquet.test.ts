import { readFileSync } from "node:fs";
import { join } from "node:path";

import { parquetWriteBuffer } from "hyparquet-writer";
import { expect, test } from "vitest";

// The thread runs as shipped, from the built package.
import { readParquet } from "../../dist/table/read-parquet.js";

const GOLDEN = join(import.meta.dirname, "../../../../test/golden/parquet");

test("a damaged file that would be read for ever is given up, and the event loop goes on", async () => {
  const bytes = readFileSync(join(GOLDEN, "endless-run.parquet"));
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 10);
  const limits = { baseMs: 1000, perMibMs: 0, heapMib: 1024 };
  try {
    await expect(readParquet(bytes, ["prompt", "answer"], limits)).rejects.toThrow(
      "is not read within 1 s: it is damaged",
    );
  } finally {
    clearInterval(timer);
  }
  expect(ticks).toBeGreaterThan(10);
});

test("a file that takes more memory than it may ends its thread alone", async () => {
  const data = Array.from({ length: 100_000 }, (_, i) => `question ${i} ${"of many ".repeat(20)}`);
  const columnData = [{ name: "prompt", type: "STRING" as const, data }];
  const bytes = Buffer.from(parquetWriteBuffer({ columnData }));
  const limits = { baseMs: 25_000, perMibMs: 0, heapMib: 8 };
  await expect(readParquet(bytes, ["prompt"], limits)).rejects.toThrow(
    /cannot be read: the thread failed: .*memory/,
  );
  const records = await readParquet(bytes, ["prompt"]);
  expect(records).toHaveLength(100_000);
  expect(records[99_999]).toEqual({ place: "row 100000", values: { prompt: data[99_999] } });
});
