/**
 * Sends a coordinator calls without the token, and measures their cost: its memory, and its longest
 * event-loop delay (`npm run hostile -- --calls 10000`).
 *
 * The coordinator and its Redis are separate processes. Prints one JSON document.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";

import { GumshoeClient } from "@gumshoe/client";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TOKEN = "hostile-calls-token";
const CHECK = "/grpc.health.v1.Health/Check";
const WATCH = "/grpc.health.v1.Health/Watch";
const REGISTER = "/gumshoe.v1.FleetService/Register";
/** Concurrent calls. */
const WIDTH = 50;
/** Calls per connection, after which it is replaced. */
const CALLS_PER_CONNECTION = 200;
/** Time after which an unanswered call is abandoned, in ms. */
const CALL_TIMEOUT_MS = 1000;

const ZIPPED = gzipSync(Buffer.alloc(12 * 1024 * 1024));
// Smaller than a stream's window: a client on Node.js 20 may loop for ever when a reset arrives
// while it has data to send.
const PART = Buffer.alloc(12 * 1024, 65);

/** The kinds of calls, used in turn: path, headers, and body. */
const KINDS = [
  { name: "a check of 200 MB", path: CHECK, body: [prefix(200_000_000), PART] },
  { name: "a watch of 200 MB", path: WATCH, body: [prefix(200_000_000), PART] },
  { name: "a check zipped", path: CHECK, zipped: true, body: [prefix(ZIPPED.length, 1), ZIPPED] },
  {
    name: "a registration of 1 MB",
    path: REGISTER,
    body: [prefix(1_000_000), PART],
  },
  {
    name: "a wrong token",
    path: REGISTER,
    headers: { authorization: "Bearer x" },
    body: [prefix(0)],
  },
  {
    name: "50 kB of headers",
    path: CHECK,
    headers: { "x-filler": "x".repeat(50_000) },
    body: [prefix(0)],
  },
  { name: "a method that is not there", path: `/gumshoe.v1.Nothing/${"x".repeat(3000)}`, body: [] },
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

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Number of calls by kind and gRPC status; `none` for streams that ended without a status. */
const answers = new Map();

function tally({ name }, status) {
  const key = `${name}: ${status}`;
  answers.set(key, (answers.get(key) ?? 0) + 1);
}

/** Makes one call; resolves when it is answered, ended or abandoned. */
function call(session, kind) {
  return new Promise((resolve) => {
    const headers = {
      ":method": "POST",
      ":path": kind.path,
      "content-type": "application/grpc",
      ...(kind.zipped ? { "grpc-encoding": "gzip" } : {}),
      ...kind.headers,
    };
    let stream;
    try {
      stream = session.request(headers, { endStream: false });
    } catch {
      resolve();
      return;
    }
    const timer = setTimeout(() => stream.close(8), CALL_TIMEOUT_MS);
    let status = "none";
    let settled = false;
    const note = (received) => (status = received["grpc-status"] ?? status);
    const settle = () => {
      clearTimeout(timer);
      if (!settled) tally(kind, status);
      settled = true;
      resolve();
    };
    stream.on("response", note);
    stream.on("trailers", note);
    stream.on("error", () => undefined);
    stream.on("close", settle);
    // A watch is left open: the server must limit their number.
    stream.on("data", () => {
      if (kind.path !== WATCH) return;
      status = "served";
      settle();
    });
    // Write one frame: a reset between two writes would arrive while there is data to send.
    if (kind.body.length > 0) stream.write(Buffer.concat(kind.body));
    if (kind.end) stream.end();
    if (kind.reset) stream.close(8);
  });
}

async function floodGrpc(address, numCalls) {
  let sent = 0;
  const lane = async () => {
    while (sent < numCalls) {
      const session = connectHttp2(`http://${address}`);
      session.on("error", () => undefined);
      for (let i = 0; i < CALLS_PER_CONNECTION && sent < numCalls && !session.destroyed; i++) {
        const kind = KINDS[sent % KINDS.length];
        sent += 1;
        await call(session, kind);
      }
      session.destroy();
    }
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
}

/** Sends requests with long paths, one after the other, and opens connections without a request. */
async function floodHttp(address, numCalls) {
  const silent = [];
  for (let i = 0; i < numCalls; i++) {
    await fetch(`http://${address}/${"y".repeat(7000)}`).then(
      (r) => r.text(),
      () => undefined,
    );
    const [host, port] = address.split(":");
    const socket = connectTcp(Number(port), host);
    socket.on("error", () => undefined);
    silent.push(socket);
  }
  for (const socket of silent) socket.destroy();
}

function memoryMb(pid, field) {
  const [, kilobytes] = new RegExp(`${field}:\\s+(\\d+)`).exec(
    readFileSync(`/proc/${pid}/status`, "utf8"),
  );
  return Math.round(Number(kilobytes) / 1024);
}

async function main() {
  const { values } = parseArgs({ options: { calls: { type: "string", default: "10000" } } });
  const numCalls = Number(values.calls);
  const home = mkdtempSync(join(tmpdir(), "gumshoe-hostile-"));
  const [port, httpPort, redisPort] = [await freePort(), await freePort(), await freePort()];
  const redis = spawn("redis-server", ["--port", String(redisPort), "--save", ""], {
    stdio: "ignore",
  });
  const readyFile = join(home, "ready.json");
  const coordinator = spawn(process.execPath, [join(ROOT, "packages/coordinator/dist/main.js")], {
    env: {
      PATH: process.env.PATH,
      GUMSHOE_LISTEN: `127.0.0.1:${port}`,
      GUMSHOE_HTTP_LISTEN: `127.0.0.1:${httpPort}`,
      GUMSHOE_TOKEN: TOKEN,
      GUMSHOE_REDIS_URL: `redis://127.0.0.1:${redisPort}`,
      GUMSHOE_HOME: home,
      GUMSHOE_READY_FILE: readyFile,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  coordinator.stderr.on("data", (data) => (log += data));
  const client = new GumshoeClient({ address: `127.0.0.1:${port}`, token: TOKEN });
  try {
    while (!existsSync(readyFile)) {
      if (coordinator.exitCode !== null) throw new Error(log);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await client.cluster();
    const before = memoryMb(coordinator.pid, "VmRSS");
    const begunMs = performance.now();
    await Promise.all([
      floodGrpc(`127.0.0.1:${port}`, numCalls),
      floodHttp(`127.0.0.1:${httpPort}`, Math.ceil(numCalls / 50)),
    ]);
    const seconds = (performance.now() - begunMs) / 1000;
    const { coordinator: status } = await client.cluster();
    const result = {
      calls: numCalls,
      seconds: Number(seconds.toFixed(1)),
      memoryMb: {
        before,
        peak: memoryMb(coordinator.pid, "VmHWM"),
        after: memoryMb(coordinator.pid, "VmRSS"),
      },
      eventLoopDelayMaxMs: status.eventLoopDelayMaxMs,
      answers: Object.fromEntries([...answers].sort()),
      logLines: log.split("\n").length - 1,
    };
    process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
  } finally {
    client.close();
    for (const child of [coordinator, redis]) {
      const gone = once(child, "exit");
      if (child.exitCode === null && child.kill("SIGKILL")) await gone;
    }
    rmSync(home, { recursive: true, force: true });
  }
}

await main();
