import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { gumshoe as gumshoeIn } from "../../../test/support/in-process.js";
import { Home } from "./local/home.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-cli-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const gumshoe = (...words: string[]) => gumshoeIn(folder, ...words);

const COMMANDS = [
  "run",
  "up",
  "submit",
  "watch",
  "status",
  "cancel",
  "forget",
  "eval",
  "score",
  "verify",
];
const MORE = [
  ["download"],
  ["puzzle", "generate"],
  ["puzzle", "show"],
  ["puzzle", "check"],
  ["puzzle", "solve"],
  ["puzzle", "grade"],
  ["bench"],
  ["doctor"],
];

test.each([...COMMANDS.map((name) => [name]), ...MORE])(
  "%s %s has a help text with an example",
  async (...words) => {
    const { code, out } = await gumshoe(...words.filter(Boolean), "--help");
    expect(code).toBe(0);
    expect(out).toMatch(/Examples?:\n {2}\$ gumshoe /);
    expect(out).toContain("--json");
  },
);

describe("wrong usage exits with code 2 and a hint", () => {
  test("a misspelt command", async () => {
    const { code, err } = await gumshoe("statsu");
    expect(code).toBe(2);
    expect(err).toContain("Did you mean status?");
  });

  test("a misspelt option", async () => {
    const { code, err } = await gumshoe("run", "x.yaml", "--infernce", "2");
    expect(code).toBe(2);
    expect(err).toContain("Did you mean --inference?");
  });

  test("an empty folder option, as from an unset variable in a script", async () => {
    for (const words of [
      ["status", "--home", ""],
      ["download", "a", "--out", " "],
    ]) {
      const { code, err } = await gumshoe(...words);
      expect(code).toBe(2);
      expect(err).toContain("It must name a folder.");
    }
  });

  test("an unknown log level", async () => {
    const { code, err } = await gumshoe("up", "--log-level", "loud");
    expect(code).toBe(2);
    expect(err).toContain("Allowed choices are trace, debug, info, warn, error");
  });

  test.each(["here", "127.0.0.1:0", "127.0.0.1:70700", "http://127.0.0.1:7070"])(
    "an invalid address: %s",
    async (address) => {
      const file = join(folder, "token");
      writeFileSync(file, "secret");
      const { code, err } = await gumshoe("status", "--address", address, "--token-file", file);
      expect(code).toBe(2);
      expect(err).toContain(`address: ${address} is not host:port`);
    },
  );

  test("a token that cannot be sent in a header", async () => {
    const file = join(folder, "token");
    writeFileSync(file, "two words");
    const words = ["status", "--address", "127.0.0.1:1", "--token-file", file];
    const { code, err } = await gumshoe(...words);
    expect(code).toBe(2);
    expect(err).toMatch(/^gumshoe: token: may have 1 to 1000 characters/);
  });

  test("with --json the error is one JSON document, too", async () => {
    const { code, out } = await gumshoe("run", "--json", "--threads", "two");
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({
      error: {
        code: "INVALID_ARGUMENT",
        message: expect.stringMatching(/^option '--threads/) as string,
      },
    });
  });

  test("an invalid number", async () => {
    const { code, err } = await gumshoe("run", "x.yaml", "--threads", "two");
    expect(code).toBe(2);
    expect(err).toContain("must be a whole number, 1 to 1024");
  });

  test("an invalid checkpoint name, and a missing output folder", async () => {
    const which = await gumshoe("download", "first", "--out", "x", "--checkpoint", "newest");
    expect(which.code).toBe(2);
    expect(which.err).toContain("must be best, latest or the number of an iteration");
    const nowhere = await gumshoe("download", "first");
    expect(nowhere.code).toBe(2);
    expect(nowhere.err).toContain("--out <folder>");
  });

  test("a missing config, and one with a wrong field", async () => {
    const missing = await gumshoe("run", join(folder, "none.yaml"));
    expect(missing).toMatchObject({ code: 2, out: "" });
    expect(missing.err).toContain("none.yaml: there is no such file");
    const path = join(folder, "bad.yaml");
    writeFileSync(path, "type: grpo\nmodel: m\niteration: 3\ntasks: {source: {type: generate}}\n");
    const bad = await gumshoe("run", path, "--json");
    expect(bad.code).toBe(2);
    expect(bad.err).toContain("iteration: unknown field (did you mean iterations?)");
    expect(JSON.parse(bad.out)).toMatchObject({ error: { code: "INVALID_ARGUMENT" } });
  });

  test("a config whose model folder is missing, or is not a model folder", async () => {
    const path = join(folder, "run.yaml");
    writeFileSync(path, "type: grpo\nmodel: nowhere\ntasks: {source: {type: generate}}\n");
    const missing = await gumshoe("run", path);
    expect(missing.code).toBe(2);
    expect(missing.err).toContain(`model: there is no ${join(folder, "nowhere")}`);
    writeFileSync(path, "type: grpo\nmodel: .\ntasks: {source: {type: generate}}\n");
    const empty = await gumshoe("run", path);
    expect(empty.code).not.toBe(0);
    expect(empty.err).toContain("config.json");
  });

  test("a dataset line that is not JSON", async () => {
    const path = join(folder, "cases.jsonl");
    writeFileSync(path, '{"num_clues": 1, "prompt": "p", "solution": {"A": "Rope"}}\nnot json\n');
    writeFileSync(join(folder, "replies.json"), '["A. Rope"]');
    const { code, err } = await gumshoe("puzzle", "grade", path, join(folder, "replies.json"));
    expect(code).toBe(2);
    expect(err).toContain("line 2");
  });
});

test("commands for a cluster that was never started fail with advice to start one", async () => {
  const { code, err } = await gumshoe("status", "--home", join(folder, "home"));
  expect(code).toBe(1);
  expect(err).toContain("gumshoe up");
});

test("the token of a home is sent to the cluster that runs there, and to no other address", async () => {
  const heard: string[] = [];
  const stranger = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.on("data", (data) => heard.push(data.toString("latin1")));
  });
  stranger.listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const address = `127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  const home = new Home(join(folder, "home"));
  home.create();
  home.token();
  // The command that wrote this was ended by kill -9.
  const dead = spawn("true");
  await once(dead, "exit");
  home.writeCluster({ address, pid: dead.pid ?? 0, processes: [] });
  const ended = await gumshoe("status", "--home", home.folder);
  expect(ended.code).toBe(1);
  expect(ended.err).toContain(`start one by npx gumshoe up --home ${home.folder}`);
  const named = await gumshoe("status", "--home", home.folder, "--address", address);
  expect(named.code).toBe(2);
  expect(named.err).toContain(`token: none is given for ${address}`);
  expect(heard).toEqual([]);
  stranger.close();
});

test("a cluster that is not there any more is told with its address", async () => {
  const tokenFile = join(folder, "token");
  writeFileSync(tokenFile, "secret\n");
  const words = ["status", "--address", "127.0.0.1:1", "--token-file", tokenFile];
  const { code, err } = await gumshoe(...words);
  expect(code).toBe(1);
  expect(err).toContain("127.0.0.1:1: no server answers there");
  expect(err).not.toContain("secret");
});
