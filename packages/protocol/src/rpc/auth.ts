import { timingSafeEqual } from "node:crypto";

import { type ClusterError } from "@gumshoe/core";
import { Metadata, type ServerInterceptor, ServerInterceptingCall } from "@grpc/grpc-js";

import { WrongTokenError } from "../errors.js";
import { toGrpcFailure } from "../status.js";

const HEADER = "authorization";
const SCHEME = "Bearer ";

/** Makes the metadata of a call. */
export function bearerMetadata(token: string): Metadata {
  const metadata = new Metadata();
  metadata.set(HEADER, SCHEME + token);
  return metadata;
}

/**
 * Makes a server refuse calls without the token, before anything of their request is read.
 *
 * @param options.isOpen     says of a method's path that it needs no token
 * @param options.onRefused  told of every refused call
 */
export function bearerGuard(options: {
  token: string;
  isOpen: (path: string) => boolean;
  onRefused: (refused: { method: string; peer: string; error: ClusterError }) => void;
}): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (metadata, proceed) => {
            const error = options.isOpen(path) ? null : bearerProblem(metadata, options.token);
            if (error === null) {
              proceed(metadata);
              return;
            }
            options.onRefused({ method: path, peer: call.getPeer(), error });
            call.sendStatus(toGrpcFailure(error));
          },
        }),
    });
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

function bearerProblem(metadata: Metadata, token: string): WrongTokenError | null {
  const header = metadata.get(HEADER)[0];
  if (typeof header !== "string" || !header.startsWith(SCHEME)) {
    return new WrongTokenError("missing");
  }
  return isBearer(header, token) ? null : new WrongTokenError("wrong");
}
