/** The programs of docs/client.md, as they stand there, against a real coordinator with fake workers. */
import { execFile } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { sha256 } from "@gumshoe/core";
import ts from "typescript";
import { afterAll, beforeAll, expect, test } from "vitest";

import { documented, makeStubs, PYTHON } from "../support/documented-programs.js";
import { FakeCluster, ROOT, TOKEN } from "../support/fake-cluster.js";

const MAX_PROGRAM_LINES = 45;

let cluster: FakeCluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-programs-"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
});
afterAll(async () => {
  await cluster.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The document's first program in a language. */
function program(language: "ts" | "python"): string {
  const [text = ""] = documented(language);
  expect(text.split("\n").length).toBeLessThanOrEqual(MAX_PROGRAM_LINES);
  expect(text).not.toBe("");
  return text;
}

/** Runs a program on the config of a new run, and checks what it printed and what it left. */
async function check(name: string, command: string, words: readonly string[]): Promise<void> {
  const config = join(folder, `${name}.json`);
  writeFileSync(config, cluster.config({ name }));
  const out = join(folder, `${name}-best`);
  const { stdout } = await promisify(execFile)(command, [...words, config, out], {
    cwd: folder,
    env: { ...process.env, GUMSHOE_ADDRESS: cluster.address, GUMSHOE_TOKEN: TOKEN },
  });
  expect(stdout).toMatch(
    /^run [\w-]+: 3 iterations\n(.*\n)*iteration 0: reward 0\.\d{3}\n(.*\n)*iteration 2: reward 0\.\d{3}\n/,
  );
  const iteration = /iteration (\d) is in /.exec(stdout)?.[1] ?? "none";
  const kept = join(cluster.runFolder(name), "checkpoints", iteration);
  const names = readdirSync(kept).filter((file) => file !== "optimizer.moments");
  expect(readdirSync(out).sort()).toEqual(names.sort());
  for (const file of names) {
    expect(sha256(readFileSync(join(out, file)))).toBe(sha256(readFileSync(join(kept, file))));
  }
}

test("the TypeScript program compiles strictly, and does what the document says", async () => {
  const source = join(folder, "train.mts");
  writeFileSync(source, program("ts"));
  const compiled = ts.createProgram([source], {
    ...{ strict: true, noUncheckedIndexedAccess: true, skipLibCheck: true },
    ...{ target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext },
    ...{ types: ["node"], typeRoots: [join(ROOT, "node_modules/@types")] },
  });
  const problems = [...ts.getPreEmitDiagnostics(compiled), ...compiled.emit().diagnostics];
  expect(
    problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
  ).toEqual([]);
  await check("in-typescript", process.execPath, [join(folder, "train.mjs")]);
});

test.skipIf(PYTHON === null)(
  "the Python program does what the document says (needs grpcio and grpcio-tools)",
  async () => {
    mkdirSync(join(folder, "python"));
    const source = join(folder, "python/train.py");
    writeFileSync(source, program("python"));
    makeStubs(PYTHON ?? "", join(folder, "python"));
    await check("in-python", PYTHON ?? "", [source]);
  },
);
