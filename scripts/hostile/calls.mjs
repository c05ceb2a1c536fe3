/** Calls that a caller without the token may send, one kind after the other; and requests to the monitoring port. */
import { connect as connectTcp } from "node:net";
import { gzipSync } from "node:zlib";

import { callHeaders, RawHttp2 } from "./raw-http2.mjs";

const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";
const REGISTER = "/gumshoe.v1.FleetService/Register";
/** Calls that are open at a time. */
const WIDTH = 50;
/** Calls on one connection before it is ended and another one made. */
const CALLS_PER_CONNECTION = 200;
/** A call without an answer is reset after this time. */
const CALL_TIMEOUT_MS = 1000;

const ZIPPED = gzipSync(Buffer.alloc(12 * 1024 * 1024));
const PART = Buffer.alloc(12 * 1024, 65);

/** The kinds of calls, in turn: path, headers, and what is written. */
const KINDS = [
  { name: "a check of 200 MB", path: CHECK, body: [prefix(200_000_000), PART] },
  { name: "a watch of 200 MB", path: WATCH, body: [prefix(200_000_000), PART] },
  {
    name: "a check zipped",
    path: CHECK,
    headers: { "grpc-encoding": "gzip" },
    body: [prefix(ZIPPED.length, 1), ZIPPED],
  },
  { name: "a registration of 1 MB", path: REGISTER, body: [prefix(1_000_000), PART] },
  {
    name: "a wrong token",
    path: REGISTER,
    headers: { authorization: "Bearer x" },
    body: [prefix(0)],
  },
  // In one frame, which may have 16 kB.
  {
    name: "15 kB of headers",
    path: CHECK,
    headers: { "x-filler": "x".repeat(15_000) },
    body: [prefix(0)],
  },
  { name: "a method that is not there", path: `/gumshoe.v1.Nothing/${"x".repeat(3000)}` },
  { name: "a reset", path: CHECK, reset: true, body: [prefix(4000)] },
  { name: "a watch that stays", path: WATCH, body: [prefix(0)], end: true },
  { name: "a check", path: CHECK, body: [prefix(0)], end: true },
];

function prefix(length, flag = 0) {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt8(flag, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Makes one call; resolves with its status, `served` for a watch that was answered, or `none`. */
function call(connection, kind) {
  return new Promise((resolve) => {
    let status = "none";
    const body = kind.body === undefined ? null : Buffer.concat(kind.body);
    const settle = () => {
      clearTimeout(timer);
      resolve(status);
    };
    const listener = {
      status: (text) => (status = text),
      // A watch is left open: the server must bound their number.
      data: () => {
        if (kind.path !== WATCH) return;
        status = "served";
        settle();
      },
      end: settle,
    };
    const request = { headers: callHeaders(kind.path, kind.headers), body, end: kind.end };
    const stream = connection.open(request, listener);
    const timer = setTimeout(() => {
      connection.reset(stream);
      settle();
    }, CALL_TIMEOUT_MS);
    if (!kind.reset) return;
    connection.reset(stream);
    // A stream that was reset is not answered.
    settle();
  });
}

/** @returns how many calls of each kind were answered with each status of gRPC */
export async function floodGrpc(address, numCalls) {
  const answers = new Map();
  let sent = 0;
  const caller = async () => {
    while (sent < numCalls) {
      const connection = new RawHttp2(address);
      for (let i = 0; i < CALLS_PER_CONNECTION && sent < numCalls && connection.isOpen; i++) {
        const kind = KINDS[sent % KINDS.length];
        const size = (kind.body ?? []).reduce((sum, { length }) => sum + length, 0);
        if (size > connection.window) break;
        sent += 1;
        const key = `${kind.name}: ${await call(connection, kind)}`;
        answers.set(key, (answers.get(key) ?? 0) + 1);
      }
      connection.destroy();
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, caller));
  return Object.fromEntries([...answers].sort());
}

/** Requests with long paths, one after the other, and connections that say nothing. */
export async function floodHttp(address, numCalls) {
  const silent = [];
  const [host, port] = address.split(":");
  for (let i = 0; i < numCalls; i++) {
    await fetch(`http://${address}/${"y".repeat(7000)}`).then(
      (r) => r.text(),
      () => undefined,
    );
    const socket = connectTcp(Number(port), host);
    socket.on("error", () => undefined);
    silent.push(socket);
  }
  for (const socket of silent) socket.destroy();
}
