import { MessageChannel } from "node:worker_threads";

/** Greatest size of a message's header, besides the content. */
const MAX_HEAD_BYTES = 256;

/** A port whose peer is closed: buffers that are transferred to it are freed. */
const { port1: nowhere } = new MessageChannel();
nowhere.close();

/**
 * Frees the memory of a message that is no longer needed, without waiting for a garbage collection: megabytes of
 * external memory make the collector scan the whole heap again and again. Does nothing if the buffer holds more
 * than this message.
 *
 * @param content  nearly all of the message; empty afterwards
 */
export function releaseMemory(content: Uint8Array): void {
  const { buffer, byteLength } = content;
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return;
  if (buffer.byteLength - byteLength > MAX_HEAD_BYTES) return;
  nowhere.postMessage(null, [buffer]);
}
