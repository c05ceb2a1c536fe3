import { STATUS_CODES } from "node:http";
import { type Socket } from "node:net";

import { type Problem } from "@gumshoe/api";

/**
 * Answers a connection that sent no request that can be read, and closes it. Without this Node's answer has
 * no body, and the API promises a `Problem`.
 */
export function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, problem } = problemOf(error.code);
  const text = JSON.stringify(problem);
  socket.write(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}`,
      "connection: close",
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(text)}`,
      "",
      text,
    ].join("\r\n"),
  );
  socket.destroySoon();
}

function problemOf(cause: string | undefined): { status: number; problem: Problem } {
  const wrong = (status: number, message: string) => ({
    status,
    problem: { error: { code: "INVALID_ARGUMENT" as const, message, field: null } },
  });
  if (cause === "HPE_HEADER_OVERFLOW") return wrong(431, "the path and headers are too long");
  if (cause === "ERR_HTTP_REQUEST_TIMEOUT") return wrong(408, "the request did not arrive in time");
  return wrong(400, "this is no HTTP request");
}
