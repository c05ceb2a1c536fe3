/** Limits on the memory and time that callers without the token can take from a server. */
import {
  type ClientHttp2Session,
  connect as connectHttp2,
  constants,
  type OutgoingHttpHeaders,
} from "node:http2";
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from "node:net";
import { gzipSync } from "node:zlib";

import { status } from "@grpc/grpc-js";
import { systemClock } from "@gumshoe/core";
import {
  FleetService,
  HealthService,
  PackService,
  ReducerService,
  RolloutService,
  RunService,
  TensorService,
} from "@gumshoe/protocol";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { RpcChannel } from "./channel.js";
import { addressOf, Connections } from "./connections.js";
import type { RpcHandlers } from "./handlers.js";
import { deadlineMs, MAX_STREAMS, MAX_STREAMS_BEFORE_TOKEN, maxRequestBytes } from "./limits.js";
import { RpcServer } from "./server.js";
import type { RpcService } from "./service.js";

const SERVICES: readonly RpcService[] = [
  FleetService,
  PackService,
  ReducerService,
  RolloutService,
  RunService,
  TensorService,
];
const CHECK = HealthService.check.path;
const WATCH = HealthService.watch.path;
const PATHS = SERVICES.flatMap((service) => Object.values(service).map(({ path }) => path));
const REFLECTION = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const WITH_TOKEN = { authorization: "Bearer right" };

let server: RpcServer;
let address: string;
let session: ClientHttp2Session;
const sockets: Socket[] = [];

beforeEach(async () => {
  server = new RpcServer({ token: "right" });
  for (const service of SERVICES) server.serve(service, answeringNothing(service));
  address = await server.listen("127.0.0.1:0");
  session = connectHttp2(`http://${address}`);
  session.on("error", () => undefined);
});
afterEach(async () => {
  vi.useRealTimers();
  for (const socket of sockets.splice(0)) socket.destroy();
  session.destroy();
  await server.stop(0);
});

function answeringNothing<S extends RpcService>(service: S): RpcHandlers<S> {
  const handlers = Object.keys(service).map((name) => [name, () => Promise.resolve({})] as const);
  return Object.fromEntries(handlers) as unknown as RpcHandlers<S>;
}

function headersOf(path: string, headers: OutgoingHttpHeaders = {}): OutgoingHttpHeaders {
  return { ":method": "POST", ":path": path, "content-type": "application/grpc", ...headers };
}

/** Sends a message, or its beginning, and returns the status of the call; the stream stays open. */
function call(path: string, body: Buffer, headers: OutgoingHttpHeaders = {}): Promise<number> {
  const stream = session.request(headersOf(path, headers), { endStream: false });
  stream.write(body);
  return new Promise((resolve, reject) => {
    const take = (answer: Record<string, unknown>): void => {
      if (answer["grpc-status"] !== undefined) resolve(Number(answer["grpc-status"]));
    };
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("the stream ended without a status")));
    stream.resume();
  });
}

/** Returns the first bytes of a message whose length prefix claims a size. */
function beginning(claimedBytes: number): Buffer {
  const bytes = Buffer.alloc(1000, 1);
  bytes.writeUInt8(0, 0);
  bytes.writeUInt32BE(claimedBytes, 1);
  return bytes;
}

function message(bytes: Buffer, flag = 0): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(flag, 0);
  prefix.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([prefix, bytes]);
}

describe("a request's size", () => {
  test.each([...PATHS, REFLECTION])("%s without the token is rejected unread", async (path) => {
    expect(await call(path, beginning(200_000_000))).toBe(status.UNAUTHENTICATED);
  });

  test.each([CHECK, WATCH])("%s rejects more than 4 KiB by the length prefix", async (path) => {
    expect(await call(path, beginning(4097))).toBe(status.RESOURCE_EXHAUSTED);
    expect(await call(path, beginning(4097), WITH_TOKEN)).toBe(status.RESOURCE_EXHAUSTED);
  });

  test.each([...PATHS, REFLECTION])("%s with the token has a limit of its own", async (path) => {
    const tooLong = beginning(maxRequestBytes(path) + 1);
    expect(await call(path, tooLong, WITH_TOKEN)).toBe(status.RESOURCE_EXHAUSTED);
  });

  test("all limits but those of configs and groups are small", () => {
    const large = [...PATHS, REFLECTION, CHECK, WATCH].filter(
      (path) => maxRequestBytes(path) > 64 * 1024,
    );
    expect(large).toEqual([RolloutService.submitGroup.path, RunService.submitRun.path]);
  });

  test("a group of 10 MB is accepted, and a larger one than allowed is not retryable", async () => {
    const channel = new RpcChannel(address, { token: "right" });
    const text = "x".repeat(10_000_000);
    const rollouts = [
      {
        tokens: Buffer.alloc(0),
        logprobs: Buffer.alloc(0),
        finish: "",
        gradingError: "",
        text,
        metrics: {},
        segments: [],
        messages: [],
      },
    ];
    const group = {
      run: "r",
      groupKey: "g",
      workerId: "w",
      weights: undefined,
      gradingMs: 0,
      rollouts,
    };
    await expect(channel.client(RolloutService).submitGroup(group)).resolves.toEqual({});
    const fleet = channel.client(FleetService);
    await expect(fleet.leave({ workerId: "x".repeat(5000) })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      retryable: false,
    });
    channel.close();
  });
});

test.each([CHECK, FleetService.leave.path])("%s rejects a compressed request", async (path) => {
  for (const encoding of ["gzip", "deflate", "br"]) {
    const body = message(gzipSync(Buffer.alloc(1_000_000)), 1);
    const headers = { ...WITH_TOKEN, "grpc-encoding": encoding };
    expect(await call(path, body, headers)).toBe(status.INVALID_ARGUMENT);
    const withoutToken = await call(path, body, { "grpc-encoding": encoding });
    expect(withoutToken).toBe(status.INVALID_ARGUMENT);
  }
});

test("a rejected call whose caller keeps the stream open is reset after the response", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const stream = session.request(headersOf(FleetService.leave.path), { endStream: false });
  stream.on("error", () => undefined);
  const answer = await new Promise<Record<string, unknown>>((resolve) =>
    stream.on("response", resolve),
  );
  stream.resume();
  expect(answer["grpc-status"]).toBe(String(status.UNAUTHENTICATED));
  const closed = new Promise((resolve) => stream.on("close", resolve));
  vi.advanceTimersByTime(5000);
  await closed;
  expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL);
});

test("an error does not repeat the request", async () => {
  const name = Buffer.alloc(3000, "x");
  const request = Buffer.concat([Buffer.from([10, 0xb8, 0x17]), name]);
  const stream = session.request(headersOf(CHECK));
  stream.end(message(request));
  const answer = await new Promise<Record<string, unknown>>((resolve) =>
    stream.on("response", resolve),
  );
  expect(answer["grpc-status"]).toBe(String(status.NOT_FOUND));
  expect(String(answer["grpc-message"]).length).toBeLessThan(200);
});

test("a health check whose request does not arrive is ended", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const answer = call(CHECK, beginning(3000));
  await vi.waitUntil(() => vi.getTimerCount() > 0);
  vi.advanceTimersByTime(10_000);
  expect(await answer).toBe(status.UNAVAILABLE);
});

test("a health check with a complete request that its caller leaves open is ended", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const answer = call(CHECK, message(Buffer.alloc(0)));
  await vi.waitUntil(() => vi.getTimerCount() > 0);
  vi.advanceTimersByTime(10_000);
  expect(await answer).toBe(status.UNAVAILABLE);
});

test("streams without the token are limited, without using up the limit of other calls", async () => {
  const request = message(Buffer.alloc(0));
  const watching = Array.from({ length: 64 }, () => {
    const stream = session.request(headersOf(WATCH));
    stream.on("error", () => undefined);
    stream.end(request);
    return new Promise((resolve) => stream.once("data", resolve));
  });
  await Promise.all(watching);
  expect(await call(WATCH, request)).toBe(status.RESOURCE_EXHAUSTED);
  const ended = session.request(headersOf(CHECK));
  ended.end(request);
  const [trailers] = await new Promise<[Record<string, unknown>]>((resolve) => {
    ended.on("trailers", (found) => resolve([found]));
    ended.resume();
  });
  expect(trailers["grpc-status"]).toBe("0");
  const trusted = session.request(headersOf(WATCH, WITH_TOKEN));
  trusted.end(request);
  await new Promise((resolve) => trusted.once("data", resolve));
});

test("a flood of idle connections closes the oldest of them, and a call with the token succeeds", async () => {
  const [host = "", port = ""] = address.split(":");
  const open = async (): Promise<void> => {
    const socket = connectTcp(Number(port), host);
    socket.on("error", () => undefined);
    // A socket emits its end only when it is read.
    socket.resume();
    sockets.push(socket);
    await new Promise((resolve) => socket.once("connect", resolve));
  };
  const channel = new RpcChannel(address, { token: "right" });
  const fleet = channel.client(FleetService);
  await fleet.leave({ workerId: "w" });
  for (let i = 0; i < 300; i++) await open();
  await expect.poll(() => sockets.filter(({ closed }) => closed).length).toBeGreaterThan(40);
  expect(sockets.slice(-200).every(({ closed }) => !closed)).toBe(true);
  await fleet.leave({ workerId: "w" });
  channel.close();
});

/** Makes a health check on a connection; returns whether it is answered. */
function check(from: ClientHttp2Session, headers: OutgoingHttpHeaders = {}): Promise<boolean> {
  const stream = from.request(headersOf(CHECK, headers));
  stream.on("error", () => undefined);
  stream.end(message(Buffer.alloc(0)));
  return new Promise((resolve) => {
    stream.once("data", () => resolve(true));
    stream.once("close", () => resolve(false));
  });
}

test("a connection that begins many calls without the token at once is closed, others are not", async () => {
  const bystander = connectHttp2(`http://${address}`);
  expect(await check(bystander)).toBe(true);
  expect(await check(session)).toBe(true);
  // They are sent in one write, so that the server reads them together.
  const many = (from: ClientHttp2Session, headers?: OutgoingHttpHeaders) =>
    Promise.all(Array.from({ length: 99 }, () => check(from, headers)));
  expect(await many(session)).toContain(false);
  expect(session.destroyed).toBe(true);
  expect(await check(bystander)).toBe(true);
  expect(await check(bystander, WITH_TOKEN)).toBe(true);
  expect(await many(bystander, WITH_TOKEN)).not.toContain(false);
  bystander.destroy();
});

test("a connection may have many open streams once it has presented the token", async () => {
  const settings = () => session.remoteSettings.maxConcurrentStreams;
  await check(session);
  expect(settings()).toBe(MAX_STREAMS_BEFORE_TOKEN);
  await check(session, WITH_TOKEN);
  await expect.poll(settings).toBe(MAX_STREAMS);
});

test("a connection without a call is closed after ten seconds, a trusted one is not", async () => {
  let nowMs = 0;
  const connections = new Connections({ clock: { ...systemClock, monotonicMs: () => nowMs } });
  const accepted: Socket[] = [];
  const listener = createServer((socket) => {
    accepted.push(socket);
    connections.add(socket);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  const { port } = listener.address() as AddressInfo;
  for (let i = 0; i < 3; i++) sockets.push(connectTcp(port, "127.0.0.1"));
  await expect.poll(() => accepted.length).toBe(3);
  const [silent, watching, trusted] = accepted as [Socket, Socket, Socket];
  connections.beginCall(addressOf(watching));
  connections.trust(addressOf(trusted));
  expect(connections.numStrangers).toBe(2);
  nowMs = 10_001;
  await expect.poll(() => silent.destroyed, { timeout: 5000 }).toBe(true);
  expect([watching.destroyed, trusted.destroyed]).toEqual([false, false]);
  connections.destroy();
  expect([watching.destroyed, trusted.destroyed]).toEqual([true, true]);
  listener.close();
});

test.each(["constructor", "toString", "__proto__", "Nothing"])(
  "the unknown method %s has the limits of an unlisted one",
  (name) => {
    const limits = [maxRequestBytes(`/x.v1.X/${name}`), deadlineMs(`/x.v1.X/${name}`)];
    expect(limits).toEqual([maxRequestBytes("/x.v1.X/Unlisted"), deadlineMs("/x.v1.X/Unlisted")]);
    expect(limits.every(Number.isSafeInteger)).toBe(true);
  },
);
