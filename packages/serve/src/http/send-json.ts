import type { IncomingMessage, ServerResponse } from "node:http";

/** Sends a JSON document. */
export function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  { value, status = 200 }: { readonly value: unknown; readonly status?: number },
): void {
  const bytes = Buffer.from(JSON.stringify(value));
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    "cache-control": "no-store",
    "content-length": bytes.length,
  });
  response.end(request.method === "HEAD" ? undefined : bytes);
}
