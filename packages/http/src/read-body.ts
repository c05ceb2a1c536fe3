import type { IncomingMessage } from "node:http";

import { InvalidArgumentError } from "@gumshoe/core";

import { BodyTooLargeError } from "./errors.js";

/**
 * Reads the body of a request as text. A body whose length is announced as too long is refused before any of it
 * is read.
 *
 * @throws BodyTooLargeError once it is longer than its limit
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) {
    throw new BodyTooLargeError(maxBytes);
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw new BodyTooLargeError(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Parses JSON. @throws InvalidArgumentError */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InvalidArgumentError("body", "is not JSON", { cause });
  }
}
