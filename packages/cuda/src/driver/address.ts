import { InvalidArgumentError } from "@gumshoe/core";

declare const SPACE: unique symbol;

/** An address in the memory of a device: exact as a number, since it lies below 2^53. */
export type DeviceAddress = number & { readonly [SPACE]: "device" };

/** Returns the address that many bytes behind another. */
export function offsetAddress(address: DeviceAddress, bytes: number): DeviceAddress {
  return (address + bytes) as DeviceAddress;
}

/** Checks that a part lies within something of `wholeBytes`; @throws InvalidArgumentError */
export function checkPart(
  field: string,
  part: { readonly offset: number; readonly bytes: number },
  wholeBytes: number,
): void {
  const { offset, bytes } = part;
  const isWithin =
    Number.isSafeInteger(offset) &&
    Number.isSafeInteger(bytes) &&
    offset >= 0 &&
    bytes >= 0 &&
    offset + bytes <= wholeBytes;
  if (isWithin) return;
  throw new InvalidArgumentError(
    field,
    `${bytes} bytes from ${offset} on are not within its ${wholeBytes} bytes`,
  );
}

/** Checks a number of bytes to allocate; @throws InvalidArgumentError */
export function checkSize(bytes: number): void {
  if (Number.isSafeInteger(bytes) && bytes > 0) return;
  throw new InvalidArgumentError("bytes", `is ${bytes}, and not a whole number above 0`);
}
