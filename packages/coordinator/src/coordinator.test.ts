/** The coordinator's health as reported by gRPC and HTTP. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";

import { FakeCluster, until } from "../../../test/support/fake-cluster.js";

const SERVING = 1;
const NOT_SERVING = 2;

let cluster: FakeCluster;
let probe: Client;
beforeEach(async () => {
  cluster = await FakeCluster.start();
  probe = new Client(cluster.address, credentials.createInsecure());
});
afterEach(async () => {
  probe.close();
  await cluster.close();
});

/** Watches the health check as raw bytes: field 1 of each response is the status. */
function followHealth(): number[] {
  const states: number[] = [];
  const stream = probe.makeServerStreamRequest(
    "/grpc.health.v1.Health/Watch",
    () => Buffer.alloc(0),
    (bytes) => bytes[1] ?? 0,
    null,
    new Metadata(),
  );
  stream.on("data", (state: number) => states.push(state));
  stream.on("error", () => undefined);
  return states;
}

test("a coordinator that stops reports NOT_SERVING before its server closes", async () => {
  const states = followHealth();
  await until("the coordinator serves", () => states.includes(SERVING));
  await cluster.endCoordinator("SIGTERM");
  expect(states).toEqual([SERVING, NOT_SERVING]);
});

test("a coordinator that loses its fence reports NOT_SERVING, and ends", async () => {
  const states = followHealth();
  await until("the coordinator serves", () => states.includes(SERVING));
  const gone = once(cluster.coordinator, "exit");
  await cluster.link.commands.set("gumshoe:fake:fence:coordinator", '{"holder":"another one"}');
  expect(await gone).toEqual([1, null]);
  expect(states).toEqual([SERVING, NOT_SERVING]);
  expect(cluster.log).toContain("another coordinator took over");
});

test("a coordinator that still waits for Redis stops cleanly", async () => {
  await cluster.endCoordinator("SIGTERM");
  await cluster.redis.kill();
  const child = cluster.spawnCoordinator({});
  await until("it waits for Redis", () => cluster.log.includes("waiting for Redis at 127.0.0.1:"));
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  expect(await gone).toEqual([0, null]);
});

test("a coordinator serves HTTP on its predecessor's port, and on another if that is taken", async () => {
  await cluster.endCoordinator("SIGTERM");
  const file = join(cluster.home, "again.json");
  const ready = () => JSON.parse(readFileSync(file, "utf8")) as { http: string; pid: number };
  const serveOnce = async () => {
    const child = cluster.spawnCoordinator({ GUMSHOE_READY_FILE: file });
    await until("it serves", () => existsSync(file) && ready().pid === child.pid);
    const { http } = ready();
    expect((await fetch(`http://${http}/healthz`)).status).toBe(200);
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    return http;
  };
  const first = await serveOnce();
  expect(await serveOnce()).toBe(first);
  const other = createServer().listen(Number(first.split(":")[1]), "127.0.0.1");
  await once(other, "listening");
  expect(await serveOnce()).not.toBe(first);
  other.close();
});
