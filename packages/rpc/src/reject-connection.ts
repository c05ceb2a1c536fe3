import { createServer, type ServerHttp2Stream } from "node:http2";
import { type TLSSocket } from "node:tls";

import { type ClusterError } from "@gumshoe/core";

import { toGrpcFailure } from "./status.js";

/** Time that a caller has to ask, and to hear why it is refused, in ms. */
const HEARING_MS = 5000;

/**
 * Answers whatever a caller asks with one error, and hangs up.
 *
 * The connection never comes near a handler, and nothing of a request's body is read.
 *
 * @param onCall  told when the caller asks for something
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
    // A caller that is gone has not heard it; an unheard "error" would end the process.
    stream.on("error", () => undefined);
    stream.respond(answer, { endStream: true });
    stream.session?.close();
  });
  server.emit("connection", socket);
}
