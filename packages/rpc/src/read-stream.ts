import type { ClientReadableStream, ServiceError } from "@grpc/grpc-js";

/**
 * Reads a server stream as an async iterable. The call starts with the first `next`, is cancelled
 * when the loop is left or the signal is aborted, and is read only as fast as the loop consumes it.
 */
export async function* readStream<T>(options: {
  open: () => ClientReadableStream<T>;
  translate: (error: ServiceError) => Error;
  signal: AbortSignal | null;
}): AsyncGenerator<T> {
  const { signal } = options;
  if (signal?.aborted) throw signal.reason;
  const stream = options.open();
  const onAbort = () => stream.cancel();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const item of stream) yield item as T;
  } catch (thrown) {
    throw isServiceError(thrown) ? options.translate(thrown) : thrown;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    // grpc-js emits CANCELLED after an early exit from the loop; the listener prevents an uncaught
    // "error".
    stream.on("error", () => undefined);
    stream.cancel();
  }
}

function isServiceError(thrown: unknown): thrown is ServiceError {
  return thrown instanceof Error && "code" in thrown && "details" in thrown && "metadata" in thrown;
}
