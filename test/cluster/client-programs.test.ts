/**
 * The client programs of examples/ with a real coordinator and fake workers: the Python one by the
 * command in its README, the TypeScript one in an empty folder with packages from tarballs.
 */
import { spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

import { sha256 } from "@gumshoe/core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { CheckoutCopy } from "../support/checkout-copy.js";
import { commandsOf } from "../support/documented-commands.js";
import { makeStubs, PROGRAMS, PYTHON } from "../support/documented-programs.js";
import { FakeCluster, ROOT, TOKEN, until } from "../support/fake-cluster.js";
import { PackedProject } from "../support/packed-project.js";

const MAX_PROGRAM_LINES = 60;

// The compiler takes half a minute on a machine with much other load.
vi.setConfig({ testTimeout: 120_000 });

const PACKAGES = ["core", "config", "protocol", "rpc", "puzzles", "client", "environments"];
const project = await PackedProject.create(PACKAGES);
if (project === null) {
  console.warn("skipped: packages installed from tarballs; the npm registry cannot be reached");
}
const inProject = (name: string) => join(project?.folder ?? "", name);

let cluster: FakeCluster;
let checkout: CheckoutCopy;
beforeAll(async () => {
  checkout = CheckoutCopy.create();
  checkout.shorten("runs/first.yaml", { iterations: 3, perIteration: 4, perTask: 4, count: 3 });
  if (project !== null) {
    symlinkSync(join(ROOT, "models"), inProject("models"));
    cpSync(join(checkout.folder, "runs"), inProject("runs"), { recursive: true });
    mkdirSync(inProject("mine"));
  }
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
});
afterAll(async () => {
  project?.remove();
  checkout.remove();
  await cluster.close();
});

interface Started {
  readonly ended: Promise<number | null>;
  readonly said: () => { out: string; err: string };
}

type Language = keyof typeof PROGRAMS;

/** The working folder of a program. */
const folderOf = (language: Language) =>
  language === "python" ? checkout.folder : (project?.folder ?? "");

/** Starts a program with the arguments from its README. */
function start(language: Language, token = TOKEN): Started {
  const commands = commandsOf(`examples/client-${language}/README.md`);
  const line = commands.find(({ command }) => command.includes(" runs/first.yaml "))?.command ?? "";
  const [, program = "", ...rest] = line.split(" ");
  const isPython = language === "python";
  const command = isPython ? (PYTHON ?? "") : process.execPath;
  const file = isPython ? program : program.replace("examples/client-typescript/dist/", "");
  const child = spawn(command, [file, ...rest], {
    cwd: folderOf(language),
    env: { ...process.env, GUMSHOE_ADDRESS: cluster.address, GUMSHOE_TOKEN: token },
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

/** Checks a program's output, and that it left only the checkpoint. */
async function checkDone(language: Language, out: string): Promise<void> {
  const present = readdirSync(join(folderOf(language), "mine"));
  const { ended, said } = start(language);
  expect({ code: await ended, err: said().err }).toEqual({ code: 0, err: "" });
  expect(said().out).toMatch(
    /^run first: 3 iterations\n(.*\n)*iteration 0: reward 0\.\d{3}\n(.*\n)*iteration 2: reward 0\.\d{3}\n/,
  );
  const iteration = /iteration (\d) is in /.exec(said().out)?.[1] ?? "none";
  const kept = join(cluster.runFolder("first"), "checkpoints", iteration);
  const files = readdirSync(kept).filter((file) => file !== "optimizer.moments");
  const folder = join(folderOf(language), "mine", out);
  expect(readdirSync(folder).sort()).toEqual(files.sort());
  for (const file of files) {
    expect(sha256(readFileSync(join(folder, file)))).toBe(sha256(readFileSync(join(kept, file))));
  }
  expect(readdirSync(join(folderOf(language), "mine")).sort()).toEqual([...present, out].sort());
  // Remove the run: the other program submits one of the same name from another folder.
  await cluster.users.forgetRun({ name: "first" });
}

/** Checks that a program whose `out` exists already ends before it submits a run. */
async function checkOutPresent(language: Language, out: string): Promise<void> {
  mkdirSync(join(folderOf(language), "mine", out), { recursive: true });
  writeFileSync(join(folderOf(language), "mine", out, "kept"), "");
  const { ended, said } = start(language);
  expect(await ended).toBe(1);
  expect(said().out).toBe("");
  expect(said().err).toMatch(new RegExp(`mine/${out} is there already\n$`));
  expect(readdirSync(join(folderOf(language), "mine", out))).toContain("kept");
  rmSync(join(folderOf(language), "mine", out), { recursive: true });
}

/** Checks that a program exits with 1 when its run is cancelled, and leaves no files. */
async function checkCancelled(language: Language, out: string): Promise<void> {
  const run = `cancelled-${out}`;
  const config = readFileSync(join(folderOf(language), "runs/first.yaml"), "utf8");
  const long = config
    .replace("name: first", `name: ${run}`)
    .replace("iterations: 3", "iterations: 5000");
  writeFileSync(join(folderOf(language), "runs/first.yaml"), long);
  try {
    const { ended, said } = start(language);
    await until("the first iteration", () => said().out.includes("iteration 0: "));
    await cluster.users.cancelRun({ name: run });
    expect(await ended).toBe(1);
    expect(said().err).toMatch(new RegExp(`^.*run ${run} is .*cancelled.*\n$`, "i"));
    expect(existsSync(join(folderOf(language), "mine", out))).toBe(false);
  } finally {
    writeFileSync(join(folderOf(language), "runs/first.yaml"), config);
  }
}

test.each(Object.entries(PROGRAMS))("the program in %s is short", (_language, text) => {
  expect(text.split("\n").length).toBeLessThanOrEqual(MAX_PROGRAM_LINES);
});

describe.skipIf(project === null)("the packages that users install", () => {
  test("contain the built files and the licence, and no tests", () => {
    for (const name of PACKAGES) {
      const folder = inProject(`node_modules/@gumshoe/${name}`);
      expect(existsSync(join(folder, "dist/index.d.ts"))).toBe(true);
      expect(existsSync(join(folder, "src/index.ts"))).toBe(true);
      expect(readFileSync(join(folder, "LICENSE"))).toEqual(readFileSync(join(ROOT, "LICENSE")));
    }
    const tested = inProject("node_modules/@gumshoe/client/src/gumshoe-client.test.ts");
    expect(existsSync(tested)).toBe(false);
  });

  test("compile with the examples in their READMEs and the example program", async () => {
    for (const name of ["client", "environments"]) {
      const page = readFileSync(inProject(`node_modules/@gumshoe/${name}/README.md`), "utf8");
      const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(page) ?? [];
      expect(example).toContain(`from "@gumshoe/${name}"`);
      writeFileSync(inProject(`${name}.ts`), example);
    }
    writeFileSync(inProject("train.ts"), PROGRAMS.typescript);
    const config = readFileSync(join(ROOT, "examples/client-typescript/tsconfig.json"), "utf8");
    const { compilerOptions } = JSON.parse(config) as { compilerOptions: object };
    const places = { typeRoots: [join(ROOT, "node_modules/@types")], outDir: "." };
    const options = { ...compilerOptions, ...places };
    const files = ["client.ts", "environments.ts", "train.ts"];
    writeFileSync(inProject("tsconfig.json"), JSON.stringify({ compilerOptions: options, files }));
    const said = await project?.node([join(ROOT, "node_modules/typescript/bin/tsc")]);
    expect(said?.stdout).toBe("");
  });

  test("can open an environment in a user's tests", async () => {
    cpSync(join(ROOT, "examples/environment"), inProject("environment"), { recursive: true });
    const said = await project?.node(["--test", "environment/tallest.test.mjs"]);
    expect(said?.stdout).toMatch(/^# pass 4$/m);
    expect(said?.code).toBe(0);
  });
});

describe.skipIf(project === null)("the TypeScript program", () => {
  test("works as its README says", () => checkDone("typescript", "model"));

  test("rejects an existing folder before it submits", () =>
    checkOutPresent("typescript", "model"));

  test("exits with 1 when its run is cancelled", () => checkCancelled("typescript", "model"));

  test("exits with 1 and names the problem when the cluster rejects the run", async () => {
    rmSync(inProject("mine/model"), { recursive: true, force: true });
    const { ended, said } = start("typescript", "another");
    expect(await ended).toBe(1);
    expect(said().err).toBe("UNAUTHENTICATED: the token is wrong\n");
  });
});

describe.skipIf(PYTHON === null)("the Python program (needs grpcio and grpcio-tools)", () => {
  test("works as its README says, by the documented command", async () => {
    makeStubs(PYTHON ?? "", join(folderOf("python"), "examples/client-python"));
    await checkDone("python", "model-by-python");
  });

  test("rejects an existing folder before it submits", () =>
    checkOutPresent("python", "model-by-python"));

  test("exits with 1 when its run is cancelled", () => checkCancelled("python", "model-by-python"));
});
