import { timingSafeEqual } from "node:crypto";

import { Metadata } from "@grpc/grpc-js";

import { WrongTokenError } from "./errors.js";

const HEADER = "authorization";
const SCHEME = "Bearer ";

/** Shared by all rejected calls: creating an error per call would cost more than the rejection. */
const MISSING = new WrongTokenError("missing");
const WRONG = new WrongTokenError("wrong");

/** Returns call metadata with the bearer token. */
export function bearerMetadata(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set(HEADER, SCHEME + token);
  return metadata;
}

/**
 * Returns whether the header `authorization` holds the token, in constant time: the duration does
 * not depend on the position of a difference.
 */
export function isBearer(header: string | undefined, token: string): boolean {
  if (header?.startsWith(SCHEME) !== true) return false;
  const given = Buffer.from(header.slice(SCHEME.length));
  const wanted = Buffer.from(token);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

/** Returns what is wrong with a call's token; null if it is correct. */
export function bearerProblem(metadata: Metadata, token: string): WrongTokenError | null {
  const header = metadata.get(HEADER)[0];
  if (typeof header !== "string" || !header.startsWith(SCHEME)) {
    return MISSING;
  }
  return isBearer(header, token) ? null : WRONG;
}
