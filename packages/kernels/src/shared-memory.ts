/**
 * Memory that several processes map: a file without a name, known by its descriptor, whose pages come as they
 * are first touched. It is freed with its last descriptor and mapping, whatever kills the processes.
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
 * Makes zeroed memory for so many float32 values.
 *
 * @returns  its descriptor, to be closed by the caller; null where the system has no such memory
 */
export function createSharedMemory(elements: number): number | null {
  return loadAddon().createMemory(Math.max(1, elements) * F32_BYTES) ?? null;
}

/**
 * Maps the first values of a file.
 *
 * @param access.writable  false: a write through the mapping ends the process
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
