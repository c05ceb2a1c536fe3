/** A user's module may do anything in its process without affecting the process. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";

// The process runs as shipped, from the built package.
import { openEnvironment, type RunEnvironment } from "../../dist/index.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-modules-"));
const opened: RunEnvironment[] = [];
afterEach(() => Promise.all(opened.splice(0).map((environment) => environment.close())));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let written = 0;

/** Opens a module whose `grade` has this body, with `task` and `reply` in scope. */
async function openGrader(body: string, more: { top?: string; limits?: object } = {}) {
  const file = join(folder, `module-${++written}.mjs`);
  writeFileSync(
    file,
    `${more.top ?? ""}
    export const createEnvironment = () => ({
      task: ({ index }) => ({ messages: [{ role: "user", content: "Task " + index }] }),
      async grade(task, reply) { ${body} },
    });`,
  );
  return open(file, more.limits);
}

async function open(module: string, limits: object = { seconds: 1.5, memoryMb: 64 }) {
  const source = { type: "module", module, limits };
  const config = { name: "a", type: "grpo", model: "m", tasks: { source } };
  const environment = await openEnvironment(parseRunConfig(JSON.stringify(config)), "train");
  if (environment === null) throw new Error("a run has training tasks");
  opened.push(environment);
  return environment;
}

const GOOD = "return { reward: 1 };";

describe("a grader that", () => {
  test.each([
    ["loops", "for (;;);", "grade() gave no result for 1.5 s"],
    ["never answers", "await new Promise(() => {});", "grade() gave no result for 1.5 s"],
    ["exits", "process.exit(0);", "ended its process"],
    [
      "throws from a timer",
      "setTimeout(() => { throw new Error('late'); }); await new Promise(() => {});",
      "threw outside of a call: late",
    ],
    [
      "leaves a rejected promise alone",
      "Promise.reject(new Error('unheard')); await new Promise(() => {});",
      "threw outside of a call: unheard",
    ],
    [
      "leaves a rejected promise alone, and returns a grade",
      "void Promise.reject(new Error('unheard')); return { reward: 0 };",
      "threw outside of a call: unheard",
    ],
    [
      "sends a message of its own",
      "process.send('hello'); await new Promise(() => {});",
      "sent a message of its own",
    ],
    [
      "uses up its memory",
      "const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()));",
      "needs more than 64 MiB of memory",
      // Filling the heap may take seconds on a machine with much other work.
      { seconds: 20, memoryMb: 64 },
    ],
    [
      "needs all its memory at once",
      "new Array(3e7).fill(1.5);",
      "needs more than 64 MiB of memory",
      { seconds: 20, memoryMb: 64 },
    ],
    [
      "ends its process by a signal",
      "process.kill(process.pid, 'SIGKILL');",
      "was killed by SIGKILL",
    ],
  ])(
    "%s over one reply is given up after three tries, named; others are graded",
    async (_what, body, problem, limits?: object) => {
      const poison = `if (reply === "poison") { ${body} } ${GOOD}`;
      const environment = await openGrader(poison, limits === undefined ? {} : { limits });
      const source = environment.source();
      const [task, other] = [await source.task(3), await source.task(4)];
      const poisoned = environment.grade(task, ["poison", "fine"]);
      const beside = Array.from({ length: 4 }, () => environment.grade(other, ["fine", "fine"]));
      await expect(poisoned).rejects.toMatchObject({ code: "FAILED_PRECONDITION" });
      const message = await poisoned.catch((error: unknown) => (error as Error).message);
      expect(message).toContain(problem);
      expect(message).toContain(`module-${written}.mjs`);
      expect(message).toContain('grading task module-1-3, whose first reply begins "poison"');
      for (const grades of await Promise.all(beside)) {
        expect(grades).toEqual([
          { reward: 1, metrics: {} },
          { reward: 1, metrics: {} },
        ]);
      }
      expect(await environment.grade(task, ["fine"])).toMatchObject([{ reward: 1 }]);
    },
  );

  test.each([
    ["a boolean", "{ reward: true }", 'returned {"reward":true}: reward must be a finite number'],
    ["a text", '{ reward: "1" }', "reward must be a finite number"],
    ["infinity", "{ reward: 1 / 0 }", "reward must be a finite number"],
    ["not a number", "{ reward: NaN }", "reward must be a finite number"],
    ["a huge number", "{ reward: 1.7e308 }", "reward must be a finite number"],
    ["a bare number", "1", "returned 1: it must return { reward, metrics }"],
    ["nothing", "undefined", "returned nothing: it must return"],
    ["null without a reason", "{ reward: null }", "a reward of null needs a reason"],
    ["a large integer", "{ reward: 1n }", "reward must be a finite number"],
    ["a list", "[1]", "it must return { reward, metrics }"],
    [
      "too many metrics",
      "{ reward: 1, metrics: Object.fromEntries(Array.from({ length: 201 }, (_, i) => [i, i])) }",
      "metrics has more than 200 numbers",
    ],
    [
      "nine million characters",
      '{ reward: 1, note: "x".repeat(9e6) }',
      "characters as JSON, at most",
    ],
    ["a metric of text", '{ reward: 1, metrics: { a: "x" } }', "metrics.a must be a number"],
  ])("returns %s has scored nothing, with the reason", async (_what, value, reason) => {
    const environment = await openGrader(`return ${value};`);
    const [grade] = await environment.grade(await environment.source().task(0), ["x"]);
    expect(grade?.reward).toBeNull();
    expect((grade as { reason: string }).reason).toContain(reason);
  });

  test("throws any value has scored nothing, with a short reason", async () => {
    const environment = await openGrader(
      `throw [null, undefined, { toString() { throw 1; } }, "x".repeat(1e6), new Error()][reply];`,
    );
    const task = await environment.source().task(0);
    const grades = await environment.grade(task, ["0", "1", "2", "3", "4"]);
    const reasons = grades.map((grade) => (grade as { reason: string }).reason);
    expect(grades.map(({ reward }) => reward)).toEqual([null, null, null, null, null]);
    expect(reasons.map((reason) => reason.replace("grade() threw: ", ""))).toEqual([
      "null",
      "undefined",
      "something that has no text",
      "x".repeat(1000 - "grade() threw: ".length),
      "an error without a message",
    ]);
  });

  test("returns results one by one may exceed the time limit in total", async () => {
    const environment = await openGrader(
      `await new Promise((resolve) => setTimeout(resolve, 600 * Number(reply))); ${GOOD}`,
    );
    const task = await environment.source().task(0);
    expect(await environment.grade(task, ["1", "2", "3", "4"])).toHaveLength(4);
  });

  test("has metrics that are not finite dropped, and no access to the cluster's secrets", async () => {
    process.env["GUMSHOE_TOKEN_TEST"] = "secret";
    const environment = await openGrader(
      "return { reward: 0, metrics: { a: 1 / 0, seen: Object.keys(process.env).filter((k) => k.startsWith('GUMSHOE')).length } };",
    );
    const grades = await environment.grade(await environment.source().task(0), ["x"]);
    expect(grades).toEqual([{ reward: 0, metrics: { seen: 0 } }]);
  });
});

/** Opens an environment with this code for its first task; returns the error. */
async function openingError(task: string, top = ""): Promise<string> {
  const file = join(folder, `module-${++written}.mjs`);
  const made = `({ task: () => { ${task} }, grade: () => ({ reward: 1 }) })`;
  writeFileSync(file, `${top}\nexport const createEnvironment = () => ${made};\n`);
  const error: unknown = await open(file).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "INVALID_ARGUMENT", field: "tasks.source.module" });
  return (error as Error).message;
}

describe("a fault of the first task is reported after one attempt, with the field", () => {
  const message = 'messages: [{ role: "user", content: "a" }]';
  test.each([
    ["a loop", "for (;;);", "task() gave no result for 1.5 s; making task 0"],
    ["an exit", "process.exit(0);", "ended its process (process.exit?); making task 0"],
    ["no message", "return { messages: [] };", "task.messages: must hold a message"],
    [
      "messages of two million characters",
      'return { messages: [1, 2].map(() => ({ role: "user", content: "a".repeat(1e6) })) };',
      "task.messages: have 2000000 characters together, at most 1000000",
    ],
    [
      "a BigInt",
      `return { ${message}, answer: { n: 1n } };`,
      "n is a bigint: tasks and states are JSON",
    ],
    ["a function", `return { ${message}, answer: () => 1 };`, "answer is a function"],
    [
      "a Map",
      `return { ${message}, answer: { of: new Map([[1, 2]]) } };`,
      "of is a Map: tasks and states are",
    ],
    [
      "a promise",
      `return { ${message}, answer: Promise.resolve(1) };`,
      "answer is a Promise (await it)",
    ],
    ["bytes", `return { ${message}, answer: new Uint8Array(2) };`, "answer is an ArrayBuffer"],
    [
      "not a number",
      `return { ${message}, answer: [1, NaN] };`,
      "1 is NaN: tasks and states are JSON",
    ],
    ["a kill of the process", 'process.kill(process.pid, "SIGKILL");', "was killed by SIGKILL"],
  ])("%s", async (_what, task, problem) => {
    expect(await openingError(task)).toContain(problem);
  });

  test("a promise at the top level that never settles", async () => {
    expect(await openingError("", "await new Promise(() => {});")).toContain(
      "waits for a promise that nothing will settle",
    );
  });

  test("a file name without a JavaScript extension", async () => {
    const file = join(folder, "module.ts");
    writeFileSync(file, "export {};");
    await expect(open(file)).rejects.toThrow(
      "tasks.source.module: a module's name ends in .mjs or .js; compile TypeScript first (npx tsc)",
    );
  });
});

test("a module's output goes to stderr: stdout is reserved for the process's result", async () => {
  const [out, err] = [vi.spyOn(process.stdout, "write"), vi.spyOn(process.stderr, "write")];
  err.mockReturnValue(true);
  await openGrader(GOOD, { top: 'console.log("printed"); process.stdout.write("too\\n");' });
  await vi.waitFor(() => expect(err.mock.calls.join("")).toMatch(/printed\n[^]*too/));
  expect(out.mock.calls.join("")).not.toContain("printed");
  vi.restoreAllMocks();
});

test("a module whose process ends repeatedly between calls is no longer run, and is named", async () => {
  const environment = await openGrader(GOOD, {
    top: "setTimeout(() => { throw new Error('late'); }, 60);",
  });
  const source = environment.source();
  const calls = async () => {
    for (;;) {
      await source.task(0);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  await expect(calls()).rejects.toThrow(/module-\d+\.mjs threw outside of a call: late, 3 times/);
});

/** A zombie has ended; its new parent may never ask for its exit code. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return stdout.trim() !== "" && !stdout.startsWith("Z");
}

test("a module that loops ends with its parent, also after kill -9 of the parent", async () => {
  const file = join(folder, "orphan.mjs");
  writeFileSync(
    file,
    `export const createEnvironment = () => ({
      task: () => ({ messages: [{ role: "user", content: "a" }] }),
      grade: () => { process.stderr.write("pid " + process.pid + " "); for (;;); },
    });`,
  );
  const config = {
    name: "a",
    type: "grpo",
    model: "m",
    tasks: { source: { type: "module", module: file } },
  };
  const program = `
    import { parseRunConfig } from "@gumshoe/config";
    import { openEnvironment } from "@gumshoe/environments";
    const environment = await openEnvironment(parseRunConfig(process.argv[1]), "train");
    await environment.grade(await environment.source().task(0), ["x"]);`;
  const parent = spawn(
    process.execPath,
    ["--input-type=module", "--eval", program, JSON.stringify(config)],
    { cwd: join(import.meta.dirname, "../.."), stdio: ["ignore", "ignore", "pipe"] },
  );
  let log = "";
  parent.stderr.on("data", (data: Buffer) => (log += data.toString()));
  const pid = await vi.waitFor(
    () => {
      const found = /pid (\d+) /.exec(log)?.[1];
      if (found === undefined) throw new Error(log);
      return Number(found);
    },
    { timeout: 20_000 },
  );
  parent.kill("SIGKILL");
  await vi.waitFor(() => expect(isRunning(pid)).toBe(false), { timeout: 10_000 });
});

describe("the digest of a module", () => {
  /** Writes files by name into a new folder; returns the environment of main.mjs. */
  async function openFiles(name: string, files: Record<string, string>) {
    const home = join(folder, name);
    mkdirSync(home, { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(home, file), text);
    const environment = await open(join(home, "main.mjs"));
    await environment.close();
    return environment.digest;
  }
  const MAIN = `import { prompt } from "./helper.mjs";
    import words from "./words.json" with { type: "json" };
    import { readFileSync } from "node:fs";
    const more = JSON.parse(readFileSync(new URL("./more.json", import.meta.url), "utf8"));
    export const createEnvironment = () => ({
      task: () => ({ messages: [{ role: "user", content: prompt + words[0] + more[0] }] }),
      grade: async () => { const late = await import("./late.mjs"); return { reward: late.reward }; },
    });`;
  const FILES = {
    "main.mjs": MAIN,
    "helper.mjs": 'export const prompt = "Say ";',
    "words.json": '["this"]',
    "more.json": '["!"]',
    "late.mjs": "export const reward = 1;",
  };

  test("is the same in another folder, and differs when any required file differs", async () => {
    const digest = await openFiles("one", FILES);
    expect(await openFiles("copy", FILES)).toBe(digest);
    for (const [file, text] of Object.entries(FILES)) {
      const edited = { ...FILES, [file]: text.replace('"this"', '"that"').replace(/$/, "\n") };
      expect(await openFiles("edited", edited), file).not.toBe(digest);
    }
    expect(await openFiles("more", { ...FILES, "unused.mjs": "x" })).toBe(digest);
  });

  test("cannot be computed when an import is missing, or is not a file", async () => {
    const { "helper.mjs": _, ...rest } = FILES;
    await expect(openFiles("missing", rest)).rejects.toThrow(/there is no .*helper\.mjs, which/);
  });
});
