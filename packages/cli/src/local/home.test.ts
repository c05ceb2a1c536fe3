import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { HomeInUseError } from "../errors.js";
import { Home } from "./home.js";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-home-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("secrets", () => {
  test("a token is made once, long, and readable by its owner alone", () => {
    const home = new Home(folder);
    home.create();
    expect(home.existingToken()).toBeNull();
    const token = home.token();
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(new Home(folder).token()).toBe(token);
    expect(home.existingToken()).toBe(token);
    expect(home.redisPassword()).not.toBe(token);
    expect(statSync(join(folder, "token")).mode & 0o777).toBe(0o600);
  });

  test("an emptied token file is an error, not an empty token", () => {
    const home = new Home(folder);
    home.create();
    writeFileSync(join(folder, "token"), "\n");
    expect(() => home.token()).toThrow("token: is empty");
  });

  test("a folder in the place of a token is an error that names it", () => {
    const home = new Home(folder);
    home.create();
    mkdirSync(join(folder, "token"));
    expect(() => home.token()).toThrow("token: is a folder");
    expect(() => home.existingToken()).toThrow("token: is a folder");
  });
});

test("a run that is removed leaves nothing, and other runs stay", () => {
  const home = new Home(folder);
  for (const name of ["first", "first-2"]) {
    mkdirSync(join(home.runFolder(name), "ledger"), { recursive: true });
  }
  home.removeRun("first");
  home.removeRun("first");
  expect(readdirSync(join(folder, "runs"))).toEqual(["first-2"]);
});

describe("lock", () => {
  test("a home that a living cluster has is refused, and says whose it is", async () => {
    const other = spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"]);
    await once(other, "spawn");
    const home = new Home(folder);
    home.create();
    writeFileSync(join(folder, "cluster.lock"), `${other.pid}\n`);
    expect(() => home.lock()).toThrow(HomeInUseError);
    expect(() => home.lock()).toThrow(`process ${other.pid}`);
    other.kill("SIGKILL");
    await once(other, "exit");
    home.lock();
    const holder = JSON.parse(readFileSync(join(folder, "cluster.lock"), "utf8")) as unknown;
    expect(holder).toMatchObject({ pid: process.pid });
    expect(() => new Home(folder).lock()).toThrow(HomeInUseError);
    home.unlock();
    home.lock();
    home.unlock();
  });
});

test("a folder that cannot be made is named", () => {
  writeFileSync(join(folder, "file"), "");
  expect(() => new Home(join(folder, "file", "home")).create()).toThrow(
    /file\/home: cannot be used as home/,
  );
});

test("where the cluster is can be read while it runs, and not after", () => {
  const home = new Home(folder);
  home.create();
  expect(home.readCluster()).toBeNull();
  const record = { address: "127.0.0.1:7070", pid: 1, processes: [] };
  home.writeCluster(record);
  expect(home.readCluster()).toEqual(record);
  home.unlock();
  expect(home.readCluster()).toBeNull();
});

test.each(['{"pid":0}', '{"address":7070,"pid":1,"processes":[]}', "[]", "null", "7", "{"])(
  "a file that names no cluster is read as none: %s",
  (text) => {
    const home = new Home(folder);
    home.create();
    writeFileSync(join(folder, "cluster.json"), text);
    expect(home.readCluster()).toBeNull();
    expect(home.runningCluster()).toBeNull();
  },
);
