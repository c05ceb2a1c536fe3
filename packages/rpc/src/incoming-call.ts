/**
 * Access to private parts of grpc-js's incoming calls: its public API cannot limit one method's
 * requests by their length prefix, reject compressed ones, reset a stream that the caller keeps
 * open, or change the limits of its connection.
 *
 * If a later grpc-js lacks these fields, the server's own small limit holds for all methods: large
 * requests are then rejected, never buffered. A test calls every method to detect that.
 */
import { constants, type ServerHttp2Stream } from "node:http2";

import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** Time for the caller of an answered call to end its stream, in ms. */
const RESET_AFTER_MS = 5000;

/** Private fields of grpc-js's `BaseServerInterceptingCall`. */
interface HiddenFields {
  readonly stream?: Pick<ServerHttp2Stream, "closed" | "close" | "session">;
  readonly decoder?: { maxReadMessageLength?: number };
  readonly incomingEncoding?: string;
  readonly receivedHalfClose?: boolean;
}

/** An incoming call and its HTTP/2 stream. */
export class IncomingCall {
  readonly #fields: HiddenFields;

  constructor(call: ServerInterceptingCallInterface) {
    this.#fields = call as unknown as HiddenFields;
  }

  /** Whether the caller announces compressed messages. */
  get isCompressed(): boolean {
    return (this.#fields.incomingEncoding ?? "identity") !== "identity";
  }

  /**
   * Sets the longest message, in bytes; a longer one is rejected when its length prefix is read.
   */
  limitMessages(maxBytes: number): void {
    const { decoder } = this.#fields;
    if (decoder?.maxReadMessageLength !== undefined) decoder.maxReadMessageLength = maxBytes;
  }

  /** Sets the limit of concurrent streams on this connection. */
  allowStreams(maxStreams: number): void {
    const session = this.#fields.stream?.session;
    if (session === undefined || session.closed || session.destroyed) return;
    session.settings({ maxConcurrentStreams: maxStreams });
  }

  /** Destroys the connection of this call at once; streams that were already read do not begin. */
  endConnection(): void {
    this.#fields.stream?.session?.destroy();
  }

  /**
   * Resets the stream of an answered call after a delay, if the caller has not ended it. The
   * response alone ends most streams, and a client on Node.js 20 may loop for ever when a reset
   * arrives while it has data to send.
   */
  close(): void {
    const { stream } = this.#fields;
    if (stream === undefined || this.#isEnded) return;
    const reset = (): void => {
      if (!this.#isEnded) stream.close(constants.NGHTTP2_CANCEL);
    };
    setTimeout(reset, RESET_AFTER_MS).unref();
  }

  get #isEnded(): boolean {
    const { stream, receivedHalfClose } = this.#fields;
    return stream?.closed === true || receivedHalfClose === true;
  }
}
