/**
 * Runs the commands of README.md, docs/*.md and the examples' READMEs, as written, in a copy of the
 * checkout. Only the numbers in configs are reduced, to shorten runs, and the running cluster gets
 * a free port.
 */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseRunConfig, parseSweep, sweepRuns } from "@gumshoe/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { runCommandLine } from "../../packages/cli/dist/command-line.js";
import { CheckoutCopy } from "../support/checkout-copy.js";
import {
  blocksOf,
  commandsOf,
  type DocumentedCommand,
  PAGES,
} from "../support/documented-commands.js";
import { PYTHON } from "../support/documented-programs.js";
import { ROOT } from "../support/gumshoe.js";
import { freePort } from "../support/redis-server.js";

// A machine with much other load takes several times the usual half minute.
const TEST_TIMEOUT_MS = 300_000;

/** Prefixes of commands that are not run here, with the reason. */
const NOT_RUN: readonly (readonly [start: string, reason: string])[] = [
  ["npm start", "trains for minutes; it is `gumshoe run runs/first.yaml` after the set-up"],
  ["npm test", "is what runs this test"],
  ["npm run soak", "takes half an hour"],
  ["npm run test:gpu", "needs a GPU; without one it says so"],
  [
    "npx gumshoe cuda fetch",
    "downloads 90 MB; fetch-nvrtc.test.ts fetches from a server of its own",
  ],
  ["npm run fuzz", "tries texts for minutes; test/fuzz.test.ts tries some"],
  [
    "docker compose ",
    "needs Docker and its images; test/cluster/compose-files.test.ts reads the files",
  ],
  ["mkdir join && ", "copies out of containers"],
  ["sudo chown ", "changes owners, as root"],
  ["export GUMSHOE_", "sets what commands on other machines read"],
  [
    "redis-server --bind 10.0.0.5 ",
    "binds the address of another machine; tls.test.ts binds loopback",
  ],
  ["GUMSHOE_LISTEN=10.0.0.5", "binds the address of another machine; tls.test.ts binds loopback"],
  ["GUMSHOE_ROLE=", "binds the address of another machine; tls.test.ts binds loopback"],
  ["GUMSHOE_MONITORS=", "needs the programs that it sends to; run-monitors.test.ts has them"],
  ["kill -USR1 ", "opens the inspector of a process by its number"],
  ["gdb ", "needs gdb, and the number of a process"],
  [
    "python3 examples/http-grader/server.py",
    "serves until Ctrl-C; http-environment.test.ts starts it",
  ],
  ["npx gumshoe run examples/http-grader/", "needs that server; sources.test.ts has one"],
  ["curl http://127.0.0.1:8000/v1/", "needs the server; model-server.test.ts starts some"],
  ["OPENAI_API_KEY=", "needs the server, and Python programs of others"],
  ["grpcurl ", "is a program of others; standard-services.test.ts asks the reflection service"],
];

/** Prefixes of commands whose words are only compared with the command's help, with the reason. */
const ONLY_PARSED: readonly (readonly [start: string, reason: string])[] = [
  ["npx gumshoe bench ", "measures for minutes"],
  ["npx gumshoe sweep ", "trains for minutes; sweep.test.ts trains a small one"],
  ["npx gumshoe run runs/first.yaml --device cuda", "needs a GPU; gpu-run.test.ts emulates some"],
  ["npx gumshoe verify test/golden/qwen2 --device cuda:0", "needs a GPU, as well"],
  ["npx gumshoe submit runs/exact.yaml --remote-folder ", "needs the cluster in containers"],
  ["npx gumshoe submit runs/first.yaml --name urgent ", "trains for minutes"],
  ["npx gumshoe prioritize ", "needs that run; time-slices.test.ts has several"],
  ["npx gumshoe fork ", "needs a run of that length; standing-cluster.test.ts forks one"],
  ["npx gumshoe serve ", "serves until Ctrl-C; test/cluster/serve.test.ts starts it"],
  ["npx gumshoe eval --endpoint ", "needs an endpoint; eval.test.ts starts one"],
  [
    "npx gumshoe model pull ",
    "needs the hub; model.test.ts starts a server that speaks its routes",
  ],
  ["npx gumshoe model info HuggingFaceTB/", "needs the hub, as well"],
  ["npx gumshoe model push ", "needs the hub, as well"],
  ["npx gumshoe data pull ", "needs the hub; fetch-data-file.test.ts asks such a server"],
  ['npx gumshoe eval --source "{ type: file, file: hf:', "needs the hub, as well"],
  ["npx gumshoe eval --adapter ", "needs an adapter; adapter.test.ts makes one"],
  ["npx gumshoe score --adapter ", "needs an adapter, as well"],
  ["npx gumshoe model info .gumshoe/runs/mine/", "needs an adapter, as well"],
  ["npx gumshoe model merge ", "needs an adapter, as well"],
];

/** Programs that may not be installed. */
const EXTRAS = ["jq", "zcat", "openssl"].filter(
  (name) => spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0,
);

/** Pages whose commands need a cluster. */
const CLIENT_PAGES = PAGES.filter((page) => /^docs\/client|^examples\/client/.test(page));

const ALL = PAGES.flatMap(commandsOf);
const startsWith = (table: typeof NOT_RUN, { command }: DocumentedCommand) =>
  table.find(([start]) => command.startsWith(start));

/** Returns why a command cannot run on this machine; null when it can. */
function lacking({ command }: DocumentedCommand): string | null {
  const [first = ""] = command.split(" ");
  if (first === "python3" && PYTHON === null) return "there is no Python with grpcio";
  return EXTRAS.includes(first) ? `there is no ${first}` : null;
}

let checkout: CheckoutCopy;
let env: NodeJS.ProcessEnv;
let port: number;
const done = new Set<string>();

beforeAll(async () => {
  checkout = CheckoutCopy.create();
  port = await freePort();
  checkout.shorten("runs/first.yaml", { iterations: 5, perIteration: 4, perTask: 4, count: 4 });
  const programs = join(checkout.folder, "bin");
  mkdirSync(programs);
  const gumshoe = `exec ${process.execPath} ${join(ROOT, "packages/cli/bin/gumshoe.js")} "$@"\n`;
  const scripts = {
    gumshoe,
    // npx alone takes most of a second; it would run the `bin` of package.json.
    npx: `case $1 in
gumshoe) shift; ${gumshoe.trim()} ;;
tsc) shift; exec ${process.execPath} ${join(ROOT, "node_modules/typescript/bin/tsc")} "$@" ;;
esac
exit 127
`,
    python3: `exec ${PYTHON ?? "false"} "$@"\n`,
  };
  for (const [name, text] of Object.entries(scripts)) {
    writeFileSync(join(programs, name), `#!/bin/sh\n${text}`);
    chmodSync(join(programs, name), 0o755);
  }
  env = { ...process.env, PATH: `${programs}:${process.env["PATH"]}` };
  const heights = "examples/environment/heights";
  const taught = { iterations: 2, every: 2, updatesPerIteration: 1, perUpdate: 4, count: 4 };
  checkout.shorten(`${heights}-sft.yaml`, taught);
  checkout.shorten(`${heights}.yaml`, { checkpoints: 2, iterations: 2, count: 4 });
  const guess = "examples/turns/guess";
  checkout.shorten(`${guess}-sft.yaml`, taught);
  checkout.shorten(`${guess}.yaml`, { checkpoints: 2, iterations: 2, perTask: 2, count: 4 });
  checkout.shorten("examples/dataset/own-cases.yaml", { iterations: 2, perIteration: 4, count: 4 });
});

afterAll(() => checkout.remove());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function runInShell(command: string, more: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const options = { cwd: checkout.folder, env: { ...env, ...more } };
  return new Promise((resolve) => {
    const child = spawn("sh", ["-c", command], { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data: Buffer) => (out += data.toString()));
    child.stderr.on("data", (data: Buffer) => (err += data.toString()));
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

/** Returns the commands of a page that run, without those of earlier pages. */
function commandsToRun(page: string): DocumentedCommand[] {
  return commandsOf(page).filter((command) => {
    if (startsWith(NOT_RUN, command) || startsWith(ONLY_PARSED, command)) return false;
    return lacking(command) === null && !done.has(command.command);
  });
}

/** Runs commands in order; each must succeed and print the output shown on its page. */
async function runAll(commands: readonly DocumentedCommand[], more: NodeJS.ProcessEnv = {}) {
  for (const { command, output } of commands) {
    done.add(command);
    const { code, out, err } = await runInShell(command, more);
    expect({ command, code, problem: code === 0 ? "" : out + err }).toEqual({
      command,
      code: 0,
      problem: "",
    });
    if (output !== null) expectShown(out, output);
  }
}

/** Expects the lines that a page shows, in order, in an output; spaces and times are ignored. */
function expectShown(out: string, shown: string): void {
  const plain = (text: string) => text.replaceAll(/made in \d+ s/g, "").replaceAll(/\s+/g, " ");
  let rest = plain(out);
  for (const part of plain(shown).split("...")) {
    expect(rest).toContain(part.trim());
    rest = rest.slice(rest.indexOf(part.trim()) + part.trim().length);
  }
}

describe("the commands of the documents", { timeout: TEST_TIMEOUT_MS }, () => {
  test("of README and of the clients run as written, with one cluster from `up` on", async () => {
    const readme = commandsToRun("README.md");
    const upAt = readme.findIndex(({ command }) => command === "npx gumshoe up");
    expect(upAt).toBeGreaterThan(0);
    await runAll(readme.slice(0, upAt));
    done.add("npx gumshoe up");
    const up = spawn("sh", ["-c", `exec gumshoe up --port ${port} --json`], {
      cwd: checkout.folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => up.on("close", resolve));
    await new Promise((resolve) => up.stdout.once("data", resolve));
    try {
      await runAll(readme.slice(upAt + 1));
      for (const page of CLIENT_PAGES) {
        await runAll(commandsToRun(page), { GUMSHOE_ADDRESS: `127.0.0.1:${port}` });
      }
    } finally {
      up.kill("SIGINT");
    }
    expect(await ended).toBe(0);
  });

  test.each(PAGES.slice(1))("of %s run as written", async (page) => {
    await runAll(commandsToRun(page));
  });

  test("are each run, compared with the command's help, or listed with a reason", () => {
    const other = ALL.filter((command) => !done.has(command.command));
    const lines = other.map((command) => {
      const listed = startsWith(NOT_RUN, command) ?? startsWith(ONLY_PARSED, command);
      const reason = lacking(command) ?? listed?.[1];
      expect({ command, hasReason: reason !== undefined }).toEqual({ command, hasReason: true });
      return `  ${command.page}: ${command.command.split("\n")[0]}: ${reason}`;
    });
    const counts = `${ALL.length - other.length} ran, ${other.length} did not:`;
    console.info([`documented commands: ${counts}`, ...lines].join("\n"));
    for (const [start] of [...NOT_RUN, ...ONLY_PARSED]) {
      expect({ start, used: ALL.some(({ command }) => command.startsWith(start)) }).toEqual({
        start,
        used: true,
      });
    }
  });

  test("that are too long to run have only words that the command accepts", async () => {
    for (const { command } of ALL.filter((one) => startsWith(ONLY_PARSED, one))) {
      const [name = "", ...words] = command.split(" ").slice(2);
      const names = name === "model" ? [name, words[0] ?? ""] : [name];
      const { code, out } = await inProcess([...names, "--help"]);
      expect({ command, code }).toEqual({ command, code: 0 });
      expect(out).toMatch(new RegExp(`^Usage: gumshoe ${names.join(" ")} `));
      for (const option of words.filter((word) => word.startsWith("--"))) {
        expect(out).toMatch(new RegExp(`^ +(-\\w, )?${option}\\b`, "m"));
      }
      const [first = ""] = words;
      if (name === "bench" && !first.startsWith("--")) expect(out).toContain(`"${first}"`);
      if (name === "submit") expect(existsSync(join(ROOT, first))).toBe(true);
    }
  });

  test("npx finds the command in a checkout", () => {
    const { stdout } = spawnSync("npx", ["gumshoe", "--version"], { cwd: ROOT, encoding: "utf8" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** Runs a command line of gumshoe in this process. */
async function inProcess(words: readonly string[]): Promise<{ code: number; out: string }> {
  let out = "";
  const code = await runCommandLine(words, {
    terminal: { out: (text: string) => (out += text), err: () => undefined },
    env: {},
    workingFolder: ROOT,
  } as unknown as Parameters<typeof runCommandLine>[1]);
  return { code, out };
}

describe("the configs of the documents", () => {
  const blocks = PAGES.flatMap(blocksOf).filter(
    ({ language, text }) => language === "yaml" && !text.includes("scrape_configs"),
  );

  test.each(blocks.map(({ page, text }, i) => ({ page, text, i })))(
    "$page: block $i is accepted",
    ({ text }) => {
      if (/^config:/m.test(text)) {
        expect(sweepRuns(parseSweep(text, "a.yaml")).length).toBeGreaterThan(0);
        return;
      }
      const inTasks = text.startsWith("source:") ? `tasks:\n${text.replaceAll(/^/gm, "  ")}` : text;
      const lacks = (field: string) => !new RegExp(`^${field}:`, "m").test(inTasks);
      const added = [
        ...(lacks("name") ? ["name: a"] : []),
        ...(lacks("type") ? ["type: grpo"] : []),
        ...(lacks("model") ? ["model: models/rookie"] : []),
        ...(lacks("tasks") && lacks("examples") ? ["tasks: { source: { type: generate } }"] : []),
      ];
      expect(parseRunConfig(`${inTasks}\n${added.join("\n")}\n`).name).not.toBe("");
    },
  );
});
