/** Connections to Redis over TLS, and the errors when they fail. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger } from "@gumshoe/core";
import { readRedisTls, RedisLink, type RedisTls } from "@gumshoe/queue";
import { afterAll, beforeAll, expect, test } from "vitest";

import { makeCertificates } from "../../packages/cli/dist/certs/certificate-folder.js";
import { freePort, startRedis, type TestRedis } from "../support/redis-server.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-redis-tls-"));
const ours = join(folder, "ours");
const foreign = join(folder, "foreign");
let server: TestRedis;

beforeAll(async () => {
  for (const root of [ours, foreign]) {
    await makeCertificates({ folder: root, hosts: [], days: 30, renew: false });
  }
  server = await startRedis(join(ours, "redis"));
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

const tlsOf = (env: Record<string, string>) => readRedisTls(env, "worker");
const connect = (tls: RedisTls, url = server.url) =>
  RedisLink.connect({ url, tls, cluster: "c", waitMs: 0 });

test("a worker's certificate connects, by GUMSHOE_TLS or GUMSHOE_REDIS_TLS", async () => {
  for (const env of [
    { GUMSHOE_TLS: ours, GUMSHOE_REDIS_TLS: "" },
    { GUMSHOE_TLS: foreign, GUMSHOE_REDIS_TLS: join(ours, "worker") },
  ]) {
    const link = await connect(tlsOf(env));
    expect(await link.openPatient().ping()).toBe("PONG");
    link.close();
  }
});

test.each<[string, () => RedisTls, RegExp]>([
  ["a foreign authority", () => tlsOf({ GUMSHOE_TLS: foreign }), /not of the authority/],
  ["the system's authorities", () => tlsOf({}), /not of the authority/],
  [
    "no certificate of its own",
    () => ({ ...(tlsOf({ GUMSHOE_TLS: ours }) as object), identity: null }) as RedisTls,
    /requires a certificate/,
  ],
])("with %s it is not reached, and the line says why", async (_, tls, problem) => {
  await expect(connect(tls())).rejects.toThrow(problem);
});

test("a connection fails when only one side uses TLS", async () => {
  const plain = server.url.replace("rediss:", "redis:");
  await expect(connect("off", plain)).rejects.toThrow(
    "it closes the connection; perhaps it requires TLS",
  );
  const other = await startRedis();
  const secure = other.url.replace("redis:", "rediss:");
  await expect(connect(tlsOf({ GUMSHOE_TLS: ours }), secure)).rejects.toThrow("does it speak TLS?");
  await other.close();
});

test("a remote connection without TLS logs a warning, unless TLS is explicitly off", async () => {
  const port = await freePort();
  const linesOf = async (url: string, tls: RedisTls) => {
    let text = "";
    const logger = createLogger("test", "warn", { write: (line) => void (text += line) });
    const connecting = RedisLink.connect({ url, tls, cluster: "c", waitMs: 0, logger });
    await expect(connecting).rejects.toThrow();
    return text;
  };
  // An address reserved for documentation (TEST-NET-1), which never responds.
  const elsewhere = `redis://:s3cret@192.0.2.1:${port}`;
  const aborted = linesOf(elsewhere, "system");
  expect(await linesOf(`redis://:s3cret@127.0.0.1:${port}`, "system")).toBe("");
  expect(await aborted).toContain(
    `NOT PRIVATE: the connection to Redis at 192.0.2.1:${port} has no TLS`,
  );
  expect(await aborted).not.toContain("s3cret");
  expect(await linesOf(elsewhere, tlsOf({ GUMSHOE_TLS: "off" }))).toBe("");
});
