/**
 * A hand-written HTTP/2 client: it can send frames in any order and with any content, which
 * libraries prevent, and does not loop when a stream is reset while data are being sent, as the
 * client of Node.js 20 may.
 */
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";

/** The connection preface of an HTTP/2 client. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const FRAME_HEADER = 9;
/** Initial flow-control window of a connection and of each stream, in bytes. */
const FIRST_WINDOW = 65_535;

/** Frame types. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const END_STREAM = 1;
const ACK = 1;
export const END_HEADERS = 4;

/** HPACK's Huffman code of the letters of one header: code and number of bits. */
const HUFFMAN = {
  g: [0x26, 6],
  r: [0x2c, 6],
  p: [0x2b, 6],
  c: [0x4, 5],
  "-": [0x16, 6],
  s: [0x8, 5],
  t: [0x9, 5],
  a: [0x3, 5],
  u: [0x2d, 6],
};
/**
 * The encoded name `grpc-status` in a header block; its value follows, one or two literal digits.
 */
const GRPC_STATUS = huffman("grpc-status");

function huffman(text) {
  let bits = "";
  for (const letter of text) {
    const [code, length] = HUFFMAN[letter];
    bits += code.toString(2).padStart(length, "0");
  }
  const bytes = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1").match(/.{8}/g);
  return Buffer.from(bytes.map((byte) => parseInt(byte, 2)));
}

export function frame(type, flags, stream, payload = Buffer.alloc(0)) {
  const head = Buffer.alloc(FRAME_HEADER);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** Returns a text with its length prefix in HPACK's encoding. */
function prefixed(text) {
  const bytes = Buffer.from(text);
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}

/** Returns a header block with literal headers. */
export function headerBlock(headers) {
  const fields = Object.entries(headers).map(([name, value]) =>
    Buffer.concat([Buffer.from([0x10]), prefixed(name), prefixed(value)]),
  );
  return Buffer.concat(fields);
}

/** Returns the headers of a gRPC call. */
export function callHeaders(path, more = {}) {
  return {
    ":method": "POST",
    ":scheme": "http",
    ":path": path,
    ":authority": "x",
    "content-type": "application/grpc",
    te: "trailers",
    ...more,
  };
}

/** A SETTINGS value that disables the peer's dynamic table, so that it sends literal headers. */
const NO_TABLE = Buffer.from([0, 1, 0, 0, 0, 0]);

/** One connection. */
export class RawHttp2 {
  #buffered = Buffer.alloc(0);
  #nextStream = 1;
  #window = FIRST_WINDOW;
  /** Resolves at the next "drain" of the socket; null if none is awaited. */
  #drain = null;
  /** Listeners by stream, called with status, data and end. */
  #listeners = new Map();

  /** @param options.tls  options of a TLS connection; plain TCP by default */
  constructor(address, { tls = null, reads = true } = {}) {
    const [host, port] = address.split(":");
    this.socket =
      tls === null
        ? connectTcp(Number(port), host)
        : connectTls({ host, port: Number(port), ALPNProtocols: ["h2"], ...tls });
    this.socket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.socket.once("close", resolve));
    this.socket.once("close", () => this.#end());
    if (reads) this.socket.on("data", (bytes) => this.#read(bytes));
    this.write(Buffer.concat([PREFACE, frame(FRAME.settings, 0, 0, NO_TABLE)]));
  }

  get isOpen() {
    return !this.socket.destroyed && this.socket.writable;
  }

  /** Number of data bytes that flow control allows to send. */
  get window() {
    return this.#window;
  }

  /** @returns false when the peer does not read fast enough */
  write(bytes) {
    return this.isOpen ? this.socket.write(bytes) : true;
  }

  /** Resolves when the written data were accepted, or the connection is closed. */
  async drained() {
    if (!this.isOpen || !this.socket.writableNeedDrain) return;
    this.#drain ??= new Promise((resolve) => this.socket.once("drain", resolve));
    await Promise.race([this.#drain, this.closed]);
    this.#drain = null;
  }

  destroy() {
    this.socket.destroy();
  }

  /** Opens a stream with headers and some data; `listener` is called with status, data and end. */
  open({ headers, body = null, end = false }, listener = null) {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    if (listener !== null) this.#listeners.set(stream, listener);
    const endsHere = end && body === null ? END_STREAM : 0;
    const parts = [frame(FRAME.headers, END_HEADERS | endsHere, stream, headerBlock(headers))];
    if (body !== null) {
      this.#window -= body.length;
      for (let at = 0; at < body.length || at === 0; at += 16_384) {
        const part = body.subarray(at, at + 16_384);
        const isLast = at + part.length === body.length;
        parts.push(frame(FRAME.data, end && isLast ? END_STREAM : 0, stream, part));
      }
    }
    this.write(Buffer.concat(parts));
    return stream;
  }

  reset(stream) {
    this.write(frame(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8])));
  }

  #end() {
    for (const listener of this.#listeners.values()) listener.end();
    this.#listeners.clear();
  }

  #read(bytes) {
    this.#buffered = Buffer.concat([this.#buffered, bytes]);
    while (this.#buffered.length >= FRAME_HEADER) {
      const length = this.#buffered.readUIntBE(0, 3);
      if (this.#buffered.length < FRAME_HEADER + length) return;
      const [type, flags] = [this.#buffered[3], this.#buffered[4]];
      const stream = this.#buffered.readUInt32BE(5);
      const payload = this.#buffered.subarray(FRAME_HEADER, FRAME_HEADER + length);
      this.#buffered = this.#buffered.subarray(FRAME_HEADER + length);
      this.#take({ type, flags, stream, payload });
    }
  }

  #take({ type, flags, stream, payload }) {
    const listener = this.#listeners.get(stream);
    if (type === FRAME.settings && flags === 0) this.write(frame(FRAME.settings, ACK, 0));
    if (type === FRAME.ping && flags === 0) this.write(frame(FRAME.ping, ACK, 0, payload));
    if (type === FRAME.windowUpdate && stream === 0) this.#window += payload.readUInt32BE(0);
    if (type === FRAME.headers) {
      const at = payload.indexOf(GRPC_STATUS);
      if (at >= 0) listener?.status(valueAfter(payload, at + GRPC_STATUS.length));
    }
    if (type === FRAME.data) listener?.data(payload);
    const isOver =
      type === FRAME.reset ||
      ((type === FRAME.headers || type === FRAME.data) && (flags & END_STREAM) !== 0);
    if (!isOver) return;
    this.#listeners.delete(stream);
    listener?.end();
  }
}

function valueAfter(bytes, at) {
  const length = bytes[at] & 0x7f;
  return bytes.toString("latin1", at + 1, at + 1 + length);
}
