import { createHash } from "node:crypto";

/** Returns the SHA-256 of bytes or UTF-8 text as 64 lower-case hex digits. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/**
 * Returns the SHA-256 of a JSON value with sorted keys, so that objects with the same content have
 * the same hash.
 */
export function hashJson(value: unknown): string {
  return sha256(canonicalJson(value));
}

/** Serializes a JSON value with sorted keys and without white space. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === "object" && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : Number(a > b))))
      : item,
  );
}
