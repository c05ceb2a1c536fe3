/** The programs of docs/client.md, by their documented command lines, against a real coordinator with fake workers. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CheckoutCopy } from "../support/checkout-copy.js";
import { documented, makeStubs, PYTHON } from "../support/documented-programs.js";
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

/** The document's first program in a language. */
function program(language: "ts" | "python"): string {
  const [text = ""] = documented(language);
  expect(text.split("\n").length).toBeLessThanOrEqual(MAX_PROGRAM_LINES);
  expect(text).not.toBe("");
  return text;
}

interface Started {
  readonly ended: Promise<number | null>;
  readonly said: () => { out: string; err: string };
}

/** Starts the document's command line that names a program. */
function start(name: string): Started {
  const line = documented("sh")
    .flatMap((block) => block.split("\n"))
    .find((command) => command.includes(`mine/${name} `));
  const [words = "", ...rest] = (line ?? "").split(" ").filter((word) => word !== "");
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
async function checkDone(name: string, out: string): Promise<void> {
  const present = readdirSync(join(checkout.folder, "mine"));
  const { ended, said } = start(name);
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
async function checkOutPresent(name: string, out: string): Promise<void> {
  mkdirSync(join(checkout.folder, "mine", out), { recursive: true });
  writeFileSync(join(checkout.folder, "mine", out, "kept"), "");
  const { ended, said } = start(name);
  expect(await ended).toBe(1);
  expect(said().out).toBe("");
  expect(said().err).toMatch(new RegExp(`mine/${out} is there already\n$`));
  expect(readdirSync(join(checkout.folder, "mine", out))).toContain("kept");
  rmSync(join(checkout.folder, "mine", out), { recursive: true });
}

/** Checks that a program exits with 1 when its run is cancelled, and leaves nothing. */
async function checkCancelled(name: string, out: string): Promise<void> {
  const run = `cancelled-${out}`;
  const config = readFileSync(join(checkout.folder, "runs/first.yaml"), "utf8");
  const long = config
    .replace("name: first", `name: ${run}`)
    .replace("iterations: 3", "iterations: 5000");
  writeFileSync(join(checkout.folder, "runs/first.yaml"), long);
  try {
    const { ended, said } = start(name);
    await until("the first iteration", () => said().out.includes("iteration 0: "));
    await cluster.users.cancelRun({ name: run });
    expect(await ended).toBe(1);
    expect(said().err).toMatch(new RegExp(`^.*run ${run} is .*cancelled.*\n$`, "i"));
    expect(existsSync(join(checkout.folder, "mine", out))).toBe(false);
  } finally {
    writeFileSync(join(checkout.folder, "runs/first.yaml"), config);
  }
}

describe("the TypeScript program", () => {
  test("compiles strictly", () => {
    const source = join(checkout.folder, "mine/typed.mts");
    writeFileSync(source, program("ts"));
    const compiled = ts.createProgram([source], {
      strict: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      noEmit: true,
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
    });
    const problems = ts.getPreEmitDiagnostics(compiled);
    expect(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
    ).toEqual([]);
    rmSync(source);
    writeFileSync(join(checkout.folder, "mine/train.mjs"), program("ts"));
  });

  test("does by its documented command what the document says", () =>
    checkDone("train.mjs", "model"));

  test("refuses a folder that is there before it submits", () =>
    checkOutPresent("train.mjs", "model"));

  test("exits with 1 when its run is cancelled", () => checkCancelled("train.mjs", "model"));
});

describe.skipIf(PYTHON === null)("the Python program (needs grpcio and grpcio-tools)", () => {
  test("does by its documented command what the document says", async () => {
    writeFileSync(join(checkout.folder, "mine/train.py"), program("python"));
    makeStubs(PYTHON ?? "", join(checkout.folder, "mine"));
    await checkDone("train.py", "model-by-python");
  });

  test("refuses a folder that is there before it submits", () =>
    checkOutPresent("train.py", "model-by-python"));

  test("exits with 1 when its run is cancelled", () =>
    checkCancelled("train.py", "model-by-python"));
});
