/**
 * A coordinator's two ports, HTTP/1 for monitors and HTTP/2 for gRPC: bytes without a token, over
 * TCP.
 */
import { connect as connectTcp } from "node:net";

import { ClusterError, createLogger, systemClock } from "@gumshoe/core";

import { RpcServer } from "@gumshoe/rpc";

import { HttpServer } from "../../packages/coordinator/dist/http/http-server.js";
import { Sessions } from "../../packages/coordinator/dist/http/sessions.js";
import {
  callHeaders,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  headerBlock,
  PREFACE,
} from "../hostile/raw-http2.mjs";

const TOKEN = "fuzz-token";
const VALID = [
  "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
  `GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TOKEN}\r\n\r\n`,
  "POST /healthz HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  "HEAD /healthz?x=1 HTTP/1.0\r\n\r\n",
];
const WORDS = [
  ...["GET ", "POST ", "/healthz", "/metrics", " HTTP/1.1", "\r\n", "\r\n\r\n", "host: x\r\n"],
  ...["content-length: 5\r\n", "transfer-encoding: chunked\r\n", "connection: upgrade\r\n"],
  ...["upgrade: h2c\r\n", "expect: 100-continue\r\n", "authorization: Bearer ", "%2e%2e/"],
  "PRI * HTTP/2.0",
];
/** A request that is not whole has no answer: its connection is closed after this time. */
const ANSWER_MS = 5;
/** The valid request that is sent in the end must be answered. */
const LAST_ANSWER_MS = 1000;

/** Sends bytes on a connection of their own; resolves with what comes back. */
function send(port, data, answerMs = ANSWER_MS) {
  return new Promise((resolve) => {
    const socket = connectTcp(port, "127.0.0.1");
    const received = [];
    socket.setTimeout(answerMs, () => socket.destroy());
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => received.push(bytes));
    socket.on("close", () => resolve(Buffer.concat(received)));
    socket.end(data);
  });
}

/** The status of an answer in HTTP/1; null where there is none. */
async function statusOf(port, data, answerMs) {
  const answer = await send(port, data, answerMs);
  return answer.length === 0 ? null : Number(answer.toString("latin1", 9, 12));
}

const http = {
  name: "http",
  open: async () => {
    const server = new HttpServer({
      token: TOKEN,
      tls: null,
      pages: new Map([["/metrics", { contentType: "text/plain", text: () => "x 1\n" }]]),
      logger: createLogger("fuzz", "silent"),
      isServing: () => true,
      sessions: new Sessions({ token: TOKEN, clock: systemClock, isSecure: false }),
      api: null,
      page: null,
    });
    const address = await server.listen("127.0.0.1:0");
    const port = Number(address.split(":")[1]);
    return {
      words: WORDS,
      make: (mutator) => mutator.text(VALID),
      read: async (text) => {
        const status = await statusOf(port, text);
        if (status === 500 || Number.isNaN(status)) throw new Error(`is answered with ${status}`);
        if (status !== null && status >= 400) {
          throw new ClusterError("INVALID_ARGUMENT", `${status}`);
        }
      },
      close: async () => {
        if ((await statusOf(port, VALID[0], LAST_ANSWER_MS)) !== 200)
          throw new Error("serves nothing any more");
        await server.stop();
      },
    };
  },
};

const CALL = [
  PREFACE,
  frame(FRAME.settings, 0, 0),
  frame(FRAME.headers, END_HEADERS, 1, headerBlock(callHeaders("/grpc.health.v1.Health/Check"))),
  frame(FRAME.data, END_STREAM, 1, Buffer.alloc(5)),
];

/** The message of a health check that returns SERVING, with its length prefix. */
const SERVING = Buffer.from([0, 0, 0, 0, 2, 8, 1]);

const grpc = {
  name: "grpc",
  open: async () => {
    const server = new RpcServer({ token: TOKEN, logger: createLogger("fuzz", "silent") });
    const address = await server.listen("127.0.0.1:0");
    const port = Number(address.split(":")[1]);
    return {
      words: [],
      make: (mutator) => {
        const order = mutator.chance(0.5) ? CALL : [PREFACE, ...CALL.map(() => mutator.one(CALL))];
        const parts = order.map((part) =>
          mutator.chance(0.3) ? mutator.changedBytes(part) : part,
        );
        return Buffer.concat(parts);
      },
      read: (bytes) => send(port, bytes),
      close: async () => {
        const answer = await send(port, Buffer.concat(CALL), LAST_ANSWER_MS);
        if (!answer.includes(SERVING)) throw new Error("serves nothing any more");
        await server.stop(100);
      },
    };
  },
};

export const PORTS = [http, grpc];
