import type { Readable, Writable } from "node:stream";

/**
 * Most output of one process, in bytes: a module that prints in a loop must not fill the log's disk.
 */
const MAX_BYTES = 256 * 1024;

/**
 * Forwards a module's output to a stream other than the process's stdout: up to 256 KiB, then a
 * line that reports the cut.
 */
export function passOn(streams: readonly Readable[], to: Writable, file: string): void {
  let left = MAX_BYTES;
  for (const stream of streams) {
    stream.on("data", (chunk: Buffer) => {
      if (left <= 0) return;
      to.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0)
        to.write(`\n${file} prints more than ${MAX_BYTES} bytes: the rest is left out\n`);
    });
  }
}
