/**
 * The parts of an incoming call that grpc-js keeps to itself: its types have no way to limit one method's
 * requests by their length prefix, to refuse compressed ones, to reset a stream that the caller keeps open, or to
 * change what its connection may do.
 *
 * Every use is safe if a later grpc-js is built otherwise: the server's own small limit then holds for all
 * methods, so that large requests are refused, never buffered. A test calls every method to notice it.
 */
import { constants, type ServerHttp2Stream } from "node:http2";

import { type ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** Time that the caller of an answered call has to end its stream, in ms. */
const RESET_AFTER_MS = 5000;

/** The private fields of grpc-js' `BaseServerInterceptingCall` that are used here. */
interface HiddenFields {
  readonly stream?: Pick<ServerHttp2Stream, "closed" | "close" | "session">;
  readonly decoder?: { maxReadMessageLength?: number };
  readonly incomingEncoding?: string;
  readonly receivedHalfClose?: boolean;
}

/** An incoming call as the transport holds it. */
export class IncomingCall {
  readonly #fields: HiddenFields;

  constructor(call: ServerInterceptingCallInterface) {
    this.#fields = call as unknown as HiddenFields;
  }

  /** Says whether the caller announces compressed messages. */
  get isCompressed(): boolean {
    return (this.#fields.incomingEncoding ?? "identity") !== "identity";
  }

  /** Sets the longest message, in bytes; a longer one is refused when its length prefix is read. */
  limitMessages(maxBytes: number): void {
    const { decoder } = this.#fields;
    if (decoder?.maxReadMessageLength !== undefined) decoder.maxReadMessageLength = maxBytes;
  }

  /** Sets how many streams the caller may have open on this connection. */
  allowStreams(maxStreams: number): void {
    const session = this.#fields.stream?.session;
    if (session === undefined || session.closed || session.destroyed) return;
    session.settings({ maxConcurrentStreams: maxStreams });
  }

  /** Ends the connection of this call at once; streams that were read already are not begun. */
  endConnection(): void {
    this.#fields.stream?.session?.destroy();
  }

  /**
   * Resets the stream of an answered call whose caller has not ended it, after a moment: the answer ends most
   * callers, and Node.js 20 as a caller may loop for ever where a reset meets data that it has still to send.
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
