import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { gumshoe } from "../../../../test/support/in-process.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-chart-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, value: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(value));
  return file;
}

/** A result of `eval --json`: 1,000 tokens of prompt and 500 of answers for each of 100 answers. */
function evaluation(model: string, more: object = {}) {
  const accuracy = { mean: 0.8, low: 0.7, high: 0.9, count: 100 };
  const tokens = { promptTokens: 100_000, answerTokens: 50_000, repliesWithoutCounts: 0 };
  return { model, accuracy, answers: 100, partial: false, ...tokens, cost: null, ...more };
}

const PRICES = { small: { prompt: 1, answer: 4, label: "the small one" } };

test("accuracy is charted against the cost that follows from prices and counted tokens", async () => {
  const files = [
    write("small.json", evaluation("small")),
    write("large.json", evaluation("large", { cost: 5, partial: true })),
  ];
  const out = join(folder, "chart.svg");
  const words = [...files, "--prices", write("prices.json", PRICES), "--out", out, "--json"];
  const { code, out: text } = await gumshoe(folder, "chart", "accuracy", ...words);
  expect(code).toBe(0);
  const interval = { accuracy: 0.8, low: 0.7, high: 0.9 };
  expect(JSON.parse(text)).toMatchObject({
    points: [
      { name: "the small one", cost: 3, ...interval },
      { name: "large (partial)", cost: 50, ...interval },
    ],
  });
  const svg = readFileSync(out, "utf8");
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  for (const label of ["the small one", "large (partial)", "US dollars", "95 % interval"]) {
    expect(svg).toContain(label);
  }
});

test("a result without a known cost is rejected, rather than charted as free", async () => {
  const out = ["--out", join(folder, "chart.svg")];
  const small = write("small.json", evaluation("small"));
  const { code, err } = await gumshoe(folder, "chart", "accuracy", small, ...out);
  expect(code).toBe(2);
  expect(err).toContain('small.json: has no cost, and --prices has no entry "small"');
  const uncounted = write("uncounted.json", evaluation("small", { repliesWithoutCounts: 2 }));
  const prices = ["--prices", write("prices.json", PRICES)];
  const second = await gumshoe(folder, "chart", "accuracy", uncounted, ...prices, ...out);
  expect(second.err).toContain("2 replies without token counts: their cost is unknown");
});

test("a file of another kind, and another kind of picture, are errors", async () => {
  const other = write("other.json", { cases: 3 });
  const { err } = await gumshoe(folder, "chart", "accuracy", other, "--out", "chart.svg");
  expect(err).toContain("other.json: ");
  const small = write("small.json", evaluation("small", { cost: 1 }));
  const jpeg = await gumshoe(folder, "chart", "accuracy", small, "--out", "chart.jpg");
  expect(jpeg.err).toContain("--out: must end with .svg or .png, is chart.jpg");
});

test("curves of runs have their intervals, and end with the final weights", async () => {
  for (const run of ["first", "control"]) {
    const at = join(folder, "runs", run);
    mkdirSync(at, { recursive: true });
    writeFileSync(join(at, "config.json"), "{}");
    const lines = [
      { iteration: 0, validationReward: 0.4, validationLow: 0.35, validationHigh: 0.45 },
      { iteration: 1 },
      { iteration: 2, finalValidationReward: 0.8 },
    ];
    writeFileSync(
      join(at, "metrics.jsonl"),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
  }
  const out = join(folder, "curve.png");
  const words = ["--metric", "validationReward", "--home", folder, "--out", out, "--json"];
  const { code, out: text } = await gumshoe(folder, "chart", "curve", "first", "control", ...words);
  expect(code).toBe(0);
  const { points } = JSON.parse(text) as { points: object[] };
  expect(points.slice(0, 2)).toEqual([
    { series: "first", iteration: 0, value: 0.4, low: 0.35, high: 0.45 },
    { series: "first", iteration: 3, value: 0.8, low: 0.8, high: 0.8 },
  ]);
  const png = readFileSync(out);
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([1600, 1000]);
  const missing = await gumshoe(
    folder,
    "chart",
    "curve",
    "first",
    "--metric",
    "reward",
    ...words.slice(2),
  );
  expect(missing.err).toContain("no iteration of first has reward");
});
