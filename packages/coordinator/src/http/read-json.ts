import type { IncomingMessage } from "node:http";

import { readBody } from "@gumshoe/http";

/** Longest body, in bytes: a config of 64 KiB, escaped as JSON. */
const MAX_BODY_BYTES = 160 * 1024;
/** Longest body before a login, in bytes. */
const MAX_OPEN_BODY_BYTES = 4096;

/** Reads the body of a request as text. @throws BodyTooLargeError */
export function readRequest(request: IncomingMessage, isLoggedIn: boolean): Promise<string> {
  return readBody(request, isLoggedIn ? MAX_BODY_BYTES : MAX_OPEN_BODY_BYTES);
}
