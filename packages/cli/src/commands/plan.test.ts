/** The plan of a run, and the refusal of one that does not fit, in this process. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { totalmem, tmpdir } from "node:os";
import { join } from "node:path";

import { systemClock } from "@gumshoe/core";
import { afterEach, beforeEach, expect, test } from "vitest";

import { runCommandLine } from "../command-line.js";
import type { Plan } from "../plan/describe-plan.js";

const ROOT = join(import.meta.dirname, "../../../..");
const EXACT = join(ROOT, "runs/exact.yaml");

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-plan-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function gumshoe(...words: string[]) {
  let [out, err] = ["", ""];
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    isScreen: false,
    columns: 200,
  };
  const env = { PATH: "" };
  const code = await runCommandLine(words, {
    terminal,
    env,
    clock: systemClock,
    workingFolder: folder,
  });
  return { code, out, err };
}

async function plan(...words: string[]): Promise<Plan> {
  const { code, out, err } = await gumshoe("plan", ...words, "--json");
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return JSON.parse(out) as Plan;
}

/** Writes a supervised run of a new model that no machine has memory for. */
function writeHuge(): string {
  const sizes = { hidden_size: 65_536, intermediate_size: 262_144, num_hidden_layers: 512 };
  const heads = { num_attention_heads: 512, num_key_value_heads: 512 };
  const run = {
    type: "sft",
    model: join(ROOT, "models/rookie"),
    init: { type: "new", config: { ...sizes, ...heads } },
    examples: { source: { type: "generate", tier: "mini" } },
  };
  const file = join(folder, "huge.json");
  writeFileSync(file, JSON.stringify(run));
  return file;
}

test("a plan counts parameters and prompts, and tells totals for numbers of workers", async () => {
  const found = await plan(EXACT);
  expect(found).toMatchObject({ run: "exact", parameters: 1_670_912, fits: true, advice: null });
  expect(found.promptTokens).toBeGreaterThan(50);
  expect(found.roles.reducer.optimizer).toBe(8 * found.parameters);
  expect(found.byWorkers[0]?.totalBytes).toBe(found.totalBytes);
  expect(found.machine.limitBytes).toBeLessThanOrEqual(totalmem());
});

test("fields that are set, and numbers of workers, change the plan", async () => {
  const before = await plan(EXACT);
  const smaller = await plan(EXACT, "--set", "rollouts.perTask=4");
  expect(smaller.roles.inference.keysAndValues).toBeLessThan(before.roles.inference.keysAndValues);
  const more = await plan(EXACT, "--trainers", "3");
  expect(more.totalBytes).toBeGreaterThan(before.totalBytes);
});

test("the text for people names roles, the machine and the verdict", async () => {
  const { code, out } = await gumshoe("plan", EXACT);
  expect(code).toBe(0);
  for (const word of ["inference", "trainer", "reducer", "keys and values", "it fits"]) {
    expect(out).toContain(word);
  }
});

test.each([
  [["--set", "rollouts.perTsk=4"], /rollouts\.perTsk: .*perTask/],
  [["--set", "model=/nowhere"], /model: there is no \/nowhere/],
  [["--set", "perTask"], /FIELD=VALUE/],
  [["--set", "lanes=0"], /lanes: /],
])("a wrong config %j is refused with the field, by exit code 2", async (words, problem) => {
  const { code, out, err } = await gumshoe("plan", EXACT, ...words);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(problem);
});

test("a run that no machine has memory for is planned with advice, and refused before anything starts", async () => {
  const file = writeHuge();
  const found = await plan(file);
  expect(found.fits).toBe(false);
  expect(found.advice).toMatch(/no setting makes it fit.*million parameters/);
  const home = join(folder, "home");
  const { code, err } = await gumshoe("run", file, "--home", home);
  expect(code).toBe(1);
  expect(err).toMatch(/^gumshoe: run huge needs \d+\.\d GB of memory on this machine/);
  expect(err).toContain("--allow-overcommit");
  expect(readdirSync(folder)).toEqual(["huge.json"]);
});
