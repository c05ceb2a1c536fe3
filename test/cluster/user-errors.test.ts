/** The gRPC service for users and its errors, with a real coordinator and fake workers. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { GumshoeClient, type RolloutInfo } from "@gumshoe/client";
import { sha256 } from "@gumshoe/core";
import { openModelFolder } from "@gumshoe/engine";
import type { RunResult } from "@gumshoe/config";
import { fromRunEvent, RunService } from "@gumshoe/protocol";
import { RpcChannel } from "@gumshoe/rpc";
import { blockDigests, weightDigest } from "@gumshoe/tensors";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";

import { FakeCluster, ROOT, TOKEN } from "../support/fake-cluster.js";

const NUM_WATCHERS = 200;

let cluster: FakeCluster;
let client: GumshoeClient;
let result: RunResult;
let folder: string;
beforeAll(async () => {
  cluster = await FakeCluster.start();
  await cluster.addWorkers();
  client = new GumshoeClient({ address: cluster.address, token: TOKEN });
  result = await cluster.run();
});
afterAll(async () => {
  client.close();
  await cluster.close();
});
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "gumshoe-door-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Returns the numbers and types of a run's events, as a watcher receives them. */
async function watch(name: string, fromEvent: number): Promise<string[]> {
  const seen: string[] = [];
  for await (const { number, body } of client.watch(name, { fromEvent })) {
    if (number > 0) seen.push(`${number} ${body.type}`);
  }
  return seen;
}

/** Returns every call that takes a run's name. */
function callsAbout(from: GumshoeClient, run: string, out: string): (() => Promise<unknown>)[] {
  return [
    () => from.get(run),
    () => from.cancel(run),
    () => from.rolloutPage(run),
    () => from.checkpoints(run),
    () => from.download(run, { out }),
    () => from.watch(run)[Symbol.asyncIterator]().next(),
  ];
}

describe("an error is returned for", () => {
  test("a wrong token", async () => {
    const stranger = new GumshoeClient({ address: cluster.address, token: "guessed" });
    const out = join(folder, "x");
    const calls = [
      () => stranger.list(),
      () => stranger.submit(cluster.config()),
      () => stranger.fleet(),
      ...callsAbout(stranger, "small", out),
    ];
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    }
    stranger.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("an unknown run", async () => {
    const calls = callsAbout(client, "nobody", join(folder, "x"));
    for (const call of calls) {
      await expect(call()).rejects.toMatchObject({
        code: "NOT_FOUND",
        message: "there is no run nobody",
      });
    }
  });

  test("a config with an unknown field, a wrong value, and text that is not a config", async () => {
    const submit = (changes: Record<string, unknown>) => client.submit(cluster.config(changes));
    await expect(submit({ name: "bad", iteration: 3 })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: "iteration: unknown field (did you mean iterations?)",
      details: { field: "iteration" },
    });
    await expect(submit({ name: "../bad" })).rejects.toMatchObject({ details: { field: "name" } });
    for (const text of ["", "hello", "a: [", "[".repeat(900_000), "\0\u0007"]) {
      await expect(client.submit(text)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    await expect(client.get("bad")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("a taken name, unless the config is the same", async () => {
    const before = await client.get("small");
    expect(await client.submit(cluster.config())).toEqual(before);
    await expect(client.submit(cluster.config({ seed: 6 }))).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      message: expect.stringMatching(
        /^run small exists with another config: seed is \d+ there and 6 here/,
      ) as string,
    });
    expect(await client.get("small")).toEqual(before);
  });

  test("a config of 100 MB, which the coordinator does not even decode", async () => {
    const config = `${cluster.config({ name: "large" })}#${"x".repeat(100_000_000)}`;
    await expect(cluster.users.submitRun({ config })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(
        /^the request has 1000\d{5} bytes; the limit is 69\d{3}/,
      ) as string,
    });
    expect((await client.get("small")).state).toBe("done");
  });

  test("an invalid page token", async () => {
    const wrong = [{ pageToken: "2" }, { pageToken: "-1.0" }, { kind: "dream" as "train" }];
    for (const options of wrong) {
      await expect(client.rolloutPage("small", options)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
      });
    }
  });
});

describe("a watch", () => {
  test("starts at an event number, and ends at once beyond the end of a run", async () => {
    const all = await watch("small", 0);
    expect(all.at(-1)).toMatch(/ run-done$/);
    expect(await watch("small", 5)).toEqual(all.slice(4));
    expect(await watch("small", all.length + 1)).toEqual([]);
    expect(await watch("small", 1_000_000)).toEqual([]);
  });

  test("that disconnects abruptly does not disturb the run", async () => {
    const name = "abandoned";
    await cluster.submit({ name });
    let socket: Socket | null = null;
    const session = connectHttp2(`http://${cluster.address}`, {
      createConnection: ({ hostname, port }) => (socket = connect(Number(port), hostname)),
    });
    const stream = session.request({
      ":method": "POST",
      ":path": RunService.watchRun.path,
      "content-type": "application/grpc",
      te: "trailers",
      authorization: `Bearer ${TOKEN}`,
    });
    stream.on("error", () => undefined);
    session.on("error", () => undefined);
    const request = RunService.watchRun.requestSerialize({ name, fromEvent: 0, gatherMs: 0 });
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(request.byteLength, 1);
    stream.end(Buffer.concat([frame, request]));
    await new Promise((resolve) => stream.once("data", resolve));
    (socket as Socket | null)?.destroy();
    expect((await cluster.result(name)).weightsDigest).toBe(result.weightsDigest);
  });

  test(`is served to ${NUM_WATCHERS} clients at once, with the same events`, async () => {
    const name = "popular";
    const channels = Array.from(
      { length: NUM_WATCHERS / 10 },
      () => new RpcChannel(cluster.address, { token: TOKEN }),
    );
    await cluster.submit({ name });
    // Every other watcher has events gathered.
    const follow = async (channel: RpcChannel, gatherMs: number) => {
      const numbers: number[] = [];
      const stream = channel.client(RunService).watchRun({ name, fromEvent: 0, gatherMs });
      for await (const message of stream) {
        for (const event of [message, ...message.later]) {
          if (fromRunEvent(event) !== null && event.number > 0) numbers.push(event.number);
        }
      }
      return numbers;
    };
    const watchers = channels.flatMap((channel) =>
      Array.from({ length: 10 }, (_, i) => follow(channel, i % 2 === 0 ? 0 : 50)),
    );
    expect((await cluster.result(name)).weightsDigest).toBe(result.weightsDigest);
    const expected = cluster.events(name).map((_body, index) => index + 1);
    for (const numbers of await Promise.all(watchers)) expect(numbers).toEqual(expected);
    for (const channel of channels) channel.close();
  });
});

describe("the answers of a run", () => {
  test("come in pages whose contents do not depend on the page size", async () => {
    const all: RolloutInfo[] = [];
    for await (const rollout of client.rollouts("small")) all.push(rollout);
    const groups = cluster.eventsOf("group-done");
    expect(all).toHaveLength(groups.flatMap(({ rewards }) => rewards).length);
    expect(all.map(({ reward }) => reward)).toEqual(groups.flatMap(({ rewards }) => rewards));
    const small: RolloutInfo[] = [];
    let pageToken: string | null = "";
    while (pageToken !== null) {
      const page = await client.rolloutPage("small", { pageSize: 7, pageToken });
      expect(page.rollouts.length).toBeLessThanOrEqual(7);
      small.push(...page.rollouts);
      ({ nextPageToken: pageToken } = page);
    }
    expect(small).toEqual(all);
  });

  test("can be filtered by iteration and kind", async () => {
    const found: RolloutInfo[] = [];
    const filter = { iteration: 1, kind: "train" } as const;
    for await (const rollout of client.rollouts("small", filter)) found.push(rollout);
    expect(found).toHaveLength(16);
    for (const { groupKey, weights, text, numTokens, gradingError } of found) {
      expect(groupKey).toMatch(/^1\/train\/[0-3]$/);
      expect(weights.version).toBe(2);
      expect(text).toMatch(/^answer [0-3]$/);
      expect(numTokens).toBeGreaterThan(0);
      expect(gradingError).toBeNull();
    }
    const none = await client.rolloutPage("small", { iteration: 99 });
    expect(none).toEqual({ rollouts: [], nextPageToken: null });
  });
});

describe("a checkpoint", () => {
  test("is listed with its validation", async () => {
    const checkpoints = await client.checkpoints("small");
    expect(checkpoints.map(({ iteration }) => iteration)).toEqual([3, 2]);
    expect(checkpoints[0]).toMatchObject({ isLatest: true, weights: { version: 6 } });
    const rewards = result.validation.slice(1).map(({ reward }) => reward);
    expect(checkpoints.map(({ reward }) => reward)).toEqual(rewards.reverse());
    expect(checkpoints.filter(({ isBest }) => isBest)).toHaveLength(1);
  });

  test("is downloaded as a model folder, byte for byte", async () => {
    const out = join(folder, "latest");
    const { iteration, bytes } = await client.download("small", { out, checkpoint: "latest" });
    expect(iteration).toBe(3);
    const names = readdirSync(result.checkpoint).filter((name) => !name.startsWith("optimizer"));
    expect(readdirSync(out)).toEqual(names.sort());
    const files = names.map((name) => readFileSync(join(out, name)));
    names.forEach((name, i) => {
      expect(sha256(files[i] as Buffer)).toBe(sha256(readFileSync(join(result.checkpoint, name))));
    });
    expect(bytes).toBe(files.reduce((total, { byteLength }) => total + byteLength, 0));
    const model = await openModelFolder(out);
    const values = await model.readParameters(0, model.layout.numParameters);
    await model.close();
    expect(weightDigest(blockDigests(values))).toBe(result.weightsDigest);
  });

  test("that was deleted is NOT_FOUND, and so is one that never existed", async () => {
    const name = "forgetful";
    await cluster.run({ name, checkpoint: { every: 1, keepLatest: 1, keepBest: false } });
    const download = (checkpoint: number) =>
      client.download(name, { out: join(folder, "x"), checkpoint });
    await expect(download(1)).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: "run forgetful: checkpoint 1 is gone: iteration 1 is not kept any more",
    });
    await expect(download(77)).rejects.toThrow("checkpoint 77 was never written");
    expect(readdirSync(folder)).toEqual([]);
    expect((await client.checkpoints(name)).map(({ iteration }) => iteration)).toEqual([3]);
  });

  test("that is dropped during its download is still completed", async () => {
    const name = "dropped";
    const { checkpoint } = await cluster.run({ name, iterations: 2 });
    const out = join(folder, "whole");
    let dropped = false;
    const onProgress = () => {
      if (!dropped) rmSync(checkpoint, { recursive: true });
      dropped = true;
    };
    await client.download(name, { out, checkpoint: "latest", withOptimizer: true, onProgress });
    expect(readdirSync(out)).toContain("optimizer.moments");
  });

  test("whose bytes have changed on disk is rejected", async () => {
    const name = "rotten";
    const { checkpoint } = await cluster.run({ name, iterations: 2 });
    const file = join(checkpoint, "model.safetensors");
    const bytes = readFileSync(file);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 1;
    writeFileSync(file, bytes);
    await expect(client.download(name, { out: join(folder, "x") })).rejects.toMatchObject({
      code: "DATA_LOSS",
      details: { file: "model.safetensors" },
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("is downloaded although the coordinator is killed in the middle", async () => {
    const out = join(folder, "survivor");
    let restarted: Promise<void> | null = null;
    const onProgress = () => {
      restarted ??= cluster.endCoordinator("SIGKILL").then(() => cluster.startCoordinator());
    };
    await client.download("small", { out, checkpoint: 3, withOptimizer: true, onProgress });
    expect(restarted).not.toBeNull();
    await (restarted as Promise<void> | null);
    expect(readdirSync(out)).toEqual(readdirSync(result.checkpoint));
  });

  test("can be downloaded by the command, too", async () => {
    const [out, tokenFile] = [join(folder, "best"), join(folder, "token")];
    writeFileSync(tokenFile, `${TOKEN}\n`);
    const words = ["download", "small", "--out", out, "--json"];
    const where = ["--address", cluster.address, "--token-file", tokenFile];
    const program = join(ROOT, "packages/cli/bin/gumshoe.js");
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...words, ...where]);
    expect(JSON.parse(stdout)).toMatchObject({ folder: out, isBest: true });
    expect(readdirSync(out)).toContain("model.safetensors");
  });
});
