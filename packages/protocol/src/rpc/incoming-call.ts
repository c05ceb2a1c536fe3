/**
 * The parts of an incoming call that grpc-js keeps to itself: its types have no way to limit one method's
 * requests by their length prefix, to refuse compressed ones, or to end a stream that the caller holds open.
 *
 * Every use is safe if a later grpc-js is built otherwise: the server's own small limit then holds for all
 * methods, so that large requests are refused, never buffered. A test calls every method to notice it.
 */
import { constants } from "node:http2";

import { type ServerInterceptingCallInterface } from "@grpc/grpc-js";

/** The private fields of grpc-js' `BaseServerInterceptingCall` that are used here. */
interface HiddenFields {
  readonly stream?: { readonly closed: boolean; close(code: number): void };
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

  /** Resets the stream of an answered call whose caller may still send. */
  close(): void {
    const { stream, receivedHalfClose } = this.#fields;
    if (stream === undefined || stream.closed || receivedHalfClose === true) return;
    stream.close(constants.NGHTTP2_NO_ERROR);
  }
}
