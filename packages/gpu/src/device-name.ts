import { InvalidArgumentError } from "@gumshoe/core";

/** A device as a setting names it. */
export type DeviceName =
  { readonly type: "cpu" } | { readonly type: "cuda"; readonly ordinal: number };

/**
 * Reads `cpu`, `cuda` (GPU 0) or `cuda:N`.
 *
 * @param field  the setting, for the message
 * @throws InvalidArgumentError
 */
export function parseDeviceName(field: string, text: string): DeviceName {
  if (text === "cpu") return { type: "cpu" };
  const found = /^cuda(?::(\d{1,4}))?$/.exec(text);
  if (found !== null) return { type: "cuda", ordinal: Number(found[1] ?? 0) };
  throw new InvalidArgumentError(field, `${text} is no device`, {
    suggestion: "cpu, or cuda:N for GPU N",
  });
}

/** Writes a name as `parseDeviceName` reads it. */
export function deviceText(name: DeviceName): string {
  return name.type === "cpu" ? "cpu" : `cuda:${name.ordinal}`;
}
