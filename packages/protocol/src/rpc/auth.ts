import { createHash, timingSafeEqual } from "node:crypto";

import { Metadata } from "@grpc/grpc-js";

import { WrongTokenError } from "../errors.js";

const HEADER = "authorization";
const SCHEME = "Bearer ";

/** Makes the metadata of a call. */
export function bearerMetadata(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set(HEADER, SCHEME + token);
  return metadata;
}

/**
 * Checks the token of a call, in a time that does not depend on where it differs.
 *
 * @throws  WrongTokenError
 */
export function checkBearer(metadata: Metadata, token: string): void {
  const header = metadata.get(HEADER)[0];
  if (typeof header !== "string" || !header.startsWith(SCHEME))
    throw new WrongTokenError("missing");
  const same = timingSafeEqual(digest(header.slice(SCHEME.length)), digest(token));
  if (!same) throw new WrongTokenError("wrong");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
