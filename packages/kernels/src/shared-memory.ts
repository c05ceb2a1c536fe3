/**
 * Memory that several processes map: a file without a name, referred to by its descriptor, whose pages are
 * allocated when first touched. It is freed with its last descriptor and mapping, however the processes are
 * killed.
 */
import { loadAddon } from "./native/addon.js";

/** A mapping in this thread. */
export interface SharedMapping {
  /** [elements] f32; empty once released. */
  readonly values: Float32Array;
  /** Ends the mapping; idempotent. */
  release(): void;
}

const F32_BYTES = 4;

/**
 * Creates zeroed memory for this many float32 values.
 *
 * @returns  its descriptor, which the caller closes; null if the system has no such memory
 */
export function createSharedMemory(elements: number): number | null {
  return loadAddon().createMemory(Math.max(1, elements) * F32_BYTES) ?? null;
}

/**
 * Maps the start of a file.
 *
 * @param access.writable  if false, a write through the mapping ends the process
 * @returns                null when the file is shorter, or cannot be mapped
 */
export function mapSharedMemory(
  descriptor: number,
  elements: number,
  { writable }: { writable: boolean },
): SharedMapping | null {
  const addon = loadAddon();
  const mapped = addon.mapMemory(descriptor, Math.max(1, elements) * F32_BYTES, writable);
  if (mapped === undefined) return null;
  const [buffer] = mapped;
  return { values: new Float32Array(buffer, 0, elements), release: () => addon.detach(buffer) };
}
