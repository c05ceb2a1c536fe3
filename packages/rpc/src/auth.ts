import { timingSafeEqual } from "node:crypto";

import { Metadata } from "@grpc/grpc-js";

import { WrongTokenError } from "./errors.js";

const HEADER = "authorization";
const SCHEME = "Bearer ";

/** One for all refused calls: an error of its own for each would cost more than the refusal. */
const MISSING = new WrongTokenError("missing");
const WRONG = new WrongTokenError("wrong");

/** Makes the metadata of a call. */
export function bearerMetadata(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set(HEADER, SCHEME + token);
  return metadata;
}

/**
 * Says whether the header `authorization` holds the token, in a time that does not depend on where it
 * differs.
 */
export function isBearer(header: string | undefined, token: string): boolean {
  if (header?.startsWith(SCHEME) !== true) return false;
  const given = Buffer.from(header.slice(SCHEME.length));
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Returns what is wrong with the token of a call, or null. */
export function bearerProblem(metadata: Metadata, token: string): WrongTokenError | null {
  const header = metadata.get(HEADER)[0];
  if (typeof header !== "string" || !header.startsWith(SCHEME)) {
    return MISSING;
  }
  return isBearer(header, token) ? null : WRONG;
}
