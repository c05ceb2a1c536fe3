import { type IncomingMessage } from "node:http";

import { InvalidArgumentError } from "@gumshoe/core";

import { BodyTooLargeError } from "../errors.js";

/** Longest body, in bytes: a config of 64 KiB, escaped as JSON. */
const MAX_BODY_BYTES = 160 * 1024;
/** Longest body before a login, in bytes. */
const MAX_OPEN_BODY_BYTES = 4096;

/**
 * Reads the body of a request as text.
 *
 * @throws BodyTooLargeError once it is longer than its limit
 */
export async function readBody(request: IncomingMessage, isLoggedIn: boolean): Promise<string> {
  const most = isLoggedIn ? MAX_BODY_BYTES : MAX_OPEN_BODY_BYTES;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > most) throw new BodyTooLargeError(most);
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
