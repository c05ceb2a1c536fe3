import { createServer, type ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";

import type { ClusterError } from "@gumshoe/core";

import { toGrpcFailure } from "./status.js";

/** Time limit for a rejected caller to make a call and receive the error, in ms. */
const HEARING_MS = 5000;

/**
 * Responds to a connection's first call with an error, and closes the connection.
 *
 * The connection never reaches a handler, and no request body is read.
 *
 * @param onCall  called when the caller makes a call
 */
export function rejectConnection(socket: TLSSocket, error: ClusterError, onCall: () => void): void {
  const { code, details, metadata } = toGrpcFailure(error);
  const answer = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(code),
    "grpc-message": encodeURI(details),
    ...metadata.toHttp2Headers(),
  };
  const timer = setTimeout(() => socket.destroy(), HEARING_MS);
  timer.unref();
  socket.on("close", () => clearTimeout(timer));
  const server = createServer();
  server.on("sessionError", () => socket.destroy());
  server.on("stream", (stream: ServerHttp2Stream) => {
    onCall();
    // The caller may have disconnected; without a listener the "error" event would end the process.
    stream.on("error", () => undefined);
    stream.respond(answer, { endStream: true });
    stream.session?.close();
  });
  server.emit("connection", socket);
}
