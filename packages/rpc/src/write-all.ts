import { once } from "node:events";

/** The part of a gRPC response stream that writing needs. */
interface Sink {
  write(item: unknown): boolean;
  once(event: "drain", listener: () => void): unknown;
}

/**
 * Writes the items to the stream, and pauses while its buffer is full, so that a slow reader slows
 * the source down instead of filling memory. Ends early when the signal is aborted.
 */
export async function writeAll(
  sink: Sink,
  items: AsyncIterable<unknown>,
  signal: AbortSignal,
): Promise<void> {
  for await (const item of items) {
    if (signal.aborted) return;
    if (!sink.write(item)) await drained(sink, signal);
    if (signal.aborted) return;
  }
}

async function drained(sink: Sink, signal: AbortSignal): Promise<void> {
  try {
    await once(sink as unknown as NodeJS.EventEmitter, "drain", { signal });
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
}
