/** A sweep: its runs, their ranking, and that runs which are done are not repeated. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { Gumshoe, ROOT } from "../support/gumshoe.js";

const TIMEOUT_MS = 120_000;

let gumshoe: Gumshoe;
let file: string;
beforeAll(async () => {
  gumshoe = await Gumshoe.create();
  file = join(gumshoe.home, "seeds.yaml");
});
afterAll(() => gumshoe.close());

const sweep = (...words: string[]) => gumshoe.start(["sweep", file, ...words]).ended;

/** Writes a sweep over seeds, of runs of one iteration. */
function write(seeds: readonly number[]): void {
  const config = join(ROOT, "test/cluster/tiny.yaml");
  const set = { iterations: 1, updatesPerIteration: 1, "tasks.perIteration": 2 };
  writeFileSync(file, JSON.stringify({ config, set, grid: { seed: seeds } }));
}

test(
  "runs are trained one after the other and ranked; only new ones are trained again",
  { timeout: TIMEOUT_MS },
  async () => {
    write([1]);
    const first = await sweep("--json");
    expect({ code: first.code, err: first.code === 0 ? "" : first.err }).toEqual({
      code: 0,
      err: "",
    });
    const [one] = readdirSync(join(gumshoe.home, "runs"));
    write([2, 1]);
    const { code, out, err } = await sweep("--json", "--chart", join(gumshoe.home, "seeds.svg"));
    expect(code).toBe(0);
    expect(err).toContain("run 1 of 2");
    expect(err).toContain(`run ${one} is done already`);
    const document = JSON.parse(out) as { metric: string; runs: { value: number; run: string }[] };
    expect(document).toMatchObject({ sweep: "seeds", metric: "validationGreedyReward" });
    const values = document.runs.map(({ value }) => value);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    expect(document.runs.map(({ run }) => run)).toContain(one);
    const svg = readFileSync(join(gumshoe.home, "seeds.svg"), "utf8");
    expect(svg).toContain("seed 2");
    const table = await sweep("--table");
    expect(table.out).toMatch(/^run +seed +iterations +start +validationGreedyReward +95 %\n/);
    expect(existsSync(join(gumshoe.home, "runs", one ?? ""))).toBe(true);
  },
);
