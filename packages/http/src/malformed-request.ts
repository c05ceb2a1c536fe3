import { STATUS_CODES } from "node:http";
import type { Socket } from "node:net";

/** Returns the JSON document that answers a request that cannot be read. */
export type DescribeMalformed = (status: number, message: string) => unknown;

/**
 * Answers a connection that sent no request that can be read, and closes it. Without this Node's answer has
 * no body, and an API promises one for each error.
 */
export function answerMalformed(
  error: NodeJS.ErrnoException,
  socket: Socket,
  describe: DescribeMalformed,
): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = problemOf(error.code);
  const text = JSON.stringify(describe(status, message));
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

function problemOf(cause: string | undefined): [status: number, message: string] {
  if (cause === "HPE_HEADER_OVERFLOW") return [431, "the path and headers are too long"];
  if (cause === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "the request did not arrive in time"];
  return [400, "this is no HTTP request"];
}
