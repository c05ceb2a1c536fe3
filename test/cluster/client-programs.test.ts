/** The client programs of examples/, by the command lines of their READMEs, against a real coordinator with fake workers. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CheckoutCopy } from "../support/checkout-copy.js";
import { commandsOf } from "../support/documented-commands.js";
import { makeStubs, PROGRAMS, PYTHON } from "../support/documented-programs.js";
import { FakeCluster, ROOT, TOKEN, until } from "../support/fake-cluster.js";

const MAX_PROGRAM_LINES = 60;

let cluster: FakeCluster;
let checkout: CheckoutCopy;
beforeAll(async () => {
  checkout = CheckoutCopy.create();
  checkout.shorten("runs/first.yaml", { iterations: 3, perIteration: 4, perTask: 4, count: 3 });
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
});
afterAll(async () => {
  await cluster.close();
  checkout.remove();
});

interface Started {
  readonly ended: Promise<number | null>;
  readonly said: () => { out: string; err: string };
}

type Language = keyof typeof PROGRAMS;

/** The last command of an example's README. */
function commandOf(language: Language): string[] {
  const commands = commandsOf(`examples/client-${language}/README.md`);
  const line = commands.find(({ command }) => command.includes(" runs/first.yaml "));
  return (line?.command ?? "").split(" ");
}

/** Starts the command that runs a program. */
function start(language: Language): Started {
  const [words = "", ...rest] = commandOf(language);
  const command = words === "python3" ? (PYTHON ?? "") : process.execPath;
  const child = spawn(command, rest, {
    cwd: checkout.folder,
    env: { ...process.env, GUMSHOE_ADDRESS: cluster.address, GUMSHOE_TOKEN: TOKEN },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.on("data", (data: Buffer) => (said.out += data.toString()));
  child.stderr.on("data", (data: Buffer) => (said.err += data.toString()));
  return {
    ended: new Promise((resolve) => child.on("close", (code) => resolve(code))),
    said: () => said,
  };
}

/** Checks what a program printed and that it left the checkpoint, and nothing else. */
async function checkDone(language: Language, out: string): Promise<void> {
  const present = readdirSync(join(checkout.folder, "mine"));
  const { ended, said } = start(language);
  expect({ code: await ended, err: said().err }).toEqual({ code: 0, err: "" });
  expect(said().out).toMatch(
    /^run first: 3 iterations\n(.*\n)*iteration 0: reward 0\.\d{3}\n(.*\n)*iteration 2: reward 0\.\d{3}\n/,
  );
  const iteration = /iteration (\d) is in /.exec(said().out)?.[1] ?? "none";
  const kept = join(cluster.runFolder("first"), "checkpoints", iteration);
  const files = readdirSync(kept).filter((file) => file !== "optimizer.moments");
  const folder = join(checkout.folder, "mine", out);
  expect(readdirSync(folder).sort()).toEqual(files.sort());
  for (const file of files) {
    expect(sha256(readFileSync(join(folder, file)))).toBe(sha256(readFileSync(join(kept, file))));
  }
  expect(readdirSync(join(checkout.folder, "mine")).sort()).toEqual([...present, out].sort());
}

/** Checks that a program whose `out` is there already ends before it submits anything. */
async function checkOutPresent(language: Language, out: string): Promise<void> {
  mkdirSync(join(checkout.folder, "mine", out), { recursive: true });
  writeFileSync(join(checkout.folder, "mine", out, "kept"), "");
  const { ended, said } = start(language);
  expect(await ended).toBe(1);
  expect(said().out).toBe("");
  expect(said().err).toMatch(new RegExp(`mine/${out} is there already\n$`));
  expect(readdirSync(join(checkout.folder, "mine", out))).toContain("kept");
  rmSync(join(checkout.folder, "mine", out), { recursive: true });
}

/** Checks that a program exits with 1 when its run is cancelled, and leaves nothing. */
async function checkCancelled(language: Language, out: string): Promise<void> {
  const run = `cancelled-${out}`;
  const config = readFileSync(join(checkout.folder, "runs/first.yaml"), "utf8");
  const long = config
    .replace("name: first", `name: ${run}`)
    .replace("iterations: 3", "iterations: 5000");
  writeFileSync(join(checkout.folder, "runs/first.yaml"), long);
  try {
    const { ended, said } = start(language);
    await until("the first iteration", () => said().out.includes("iteration 0: "));
    await cluster.users.cancelRun({ name: run });
    expect(await ended).toBe(1);
    expect(said().err).toMatch(new RegExp(`^.*run ${run} is .*cancelled.*\n$`, "i"));
    expect(existsSync(join(checkout.folder, "mine", out))).toBe(false);
  } finally {
    writeFileSync(join(checkout.folder, "runs/first.yaml"), config);
  }
}

test.each(Object.entries(PROGRAMS))("the program in %s is short", (_language, text) => {
  expect(text.split("\n").length).toBeLessThanOrEqual(MAX_PROGRAM_LINES);
});

describe("the TypeScript program", () => {
  test("compiles strictly", () => {
    const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
    const project = join(checkout.folder, "examples/client-typescript");
    const { stdout } = spawnSync(process.execPath, [tsc, "--project", project]);
    expect(stdout.toString()).toBe("");
  });

  test("does by its documented command what its README says", () =>
    checkDone("typescript", "model"));

  test("refuses a folder that is there before it submits", () =>
    checkOutPresent("typescript", "model"));

  test("exits with 1 when its run is cancelled", () => checkCancelled("typescript", "model"));
});

describe.skipIf(PYTHON === null)("the Python program (needs grpcio and grpcio-tools)", () => {
  test("does by its documented command what its README says", async () => {
    makeStubs(PYTHON ?? "", join(checkout.folder, "examples/client-python"));
    await checkDone("python", "model-by-python");
  });

  test("refuses a folder that is there before it submits", () =>
    checkOutPresent("python", "model-by-python"));

  test("exits with 1 when its run is cancelled", () => checkCancelled("python", "model-by-python"));
});
