import { MessageChannel } from "node:worker_threads";

/** What the head of a message may take beside the bytes that fill it. */
const MAX_HEAD_BYTES = 256;

/** Nobody is at the other end: memory that is handed over is freed. */
const { port1: nowhere } = new MessageChannel();
nowhere.close();

/**
 * Frees the memory of a message whose content is not needed any more, now and not at some garbage collection:
 * megabytes of such memory would make the collector run over the whole heap again and again. Memory that
 * holds more than this message is left alone.
 *
 * @param content  nearly all of the message; empty afterwards
 */
export function releaseMemory(content: Uint8Array): void {
  const { buffer, byteLength } = content;
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return;
  if (buffer.byteLength - byteLength > MAX_HEAD_BYTES) return;
  nowhere.postMessage(null, [buffer]);
}
