import { KernelSignatureError } from "../errors.js";
import { hostAddress } from "../foreign/shared-library.js";
import type { DeviceAddress } from "./address.js";

/** The type of a kernel's parameter; `{ bytes }` is a structure by value. */
export type KernelParameter =
  "address" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64" | { readonly bytes: number };

type KernelArgument<P extends KernelParameter> = P extends "address"
  ? DeviceAddress | null
  : P extends "i64" | "u64"
    ? bigint | number
    : P extends { readonly bytes: number }
      ? Uint8Array
      : number;

/** What a launch passes, by the kernel's parameters. */
export type KernelArguments<P extends readonly KernelParameter[]> = {
  readonly [I in keyof P]: KernelArgument<P[I]>;
};

const SCALAR_BYTES = { address: 8, i32: 4, u32: 4, i64: 8, u64: 8, f32: 4, f64: 8 } as const;
/** Alignment of every slot: that of the largest structures that kernels take, `CUtensorMap`. */
const STRUCTURE_ALIGNMENT = 64;

/** Returns the size of a parameter in bytes. */
export function parameterBytes(parameter: KernelParameter): number {
  return typeof parameter === "string" ? SCALAR_BYTES[parameter] : parameter.bytes;
}

/**
 * One launch's arguments as the driver takes them: a block of memory with a slot for each, and the slots' addresses.
 *
 * The driver copies them when it is called, so that one block serves all launches of a kernel.
 */
export class ArgumentBlock<P extends readonly KernelParameter[]> {
  /** `void* kernelParams[]`. */
  readonly table: BigUint64Array;
  private readonly slots: number[] = [];
  private readonly view: DataView;
  private readonly bytes: Uint8Array;

  constructor(
    private readonly kernel: string,
    private readonly parameters: P,
  ) {
    let end = STRUCTURE_ALIGNMENT;
    for (const parameter of parameters) {
      const isStructure = typeof parameter !== "string";
      if (isStructure) end = Math.ceil(end / STRUCTURE_ALIGNMENT) * STRUCTURE_ALIGNMENT;
      this.slots.push(end - STRUCTURE_ALIGNMENT);
      end += Math.ceil(parameterBytes(parameter) / 8) * 8;
    }
    const buffer = new ArrayBuffer(end + STRUCTURE_ALIGNMENT);
    const begin = hostAddress(new Uint8Array(buffer));
    const skip = (STRUCTURE_ALIGNMENT - (begin % STRUCTURE_ALIGNMENT)) % STRUCTURE_ALIGNMENT;
    this.view = new DataView(buffer, skip);
    this.bytes = new Uint8Array(buffer, skip);
    this.table = BigUint64Array.from([...this.slots, 0], (slot) => BigInt(begin + skip + slot));
  }

  /** Puts the arguments of a launch in; @throws KernelSignatureError naming the one that does not fit */
  fill(values: KernelArguments<P>): void {
    if (values.length !== this.parameters.length) {
      throw new KernelSignatureError(
        this.kernel,
        `takes ${this.parameters.length} arguments, and was launched with ${values.length}`,
      );
    }
    for (let i = 0; i < values.length; i++) {
      const parameter = this.parameters[i] as KernelParameter;
      if (this.put(this.slots[i] ?? 0, parameter, values[i])) continue;
      const wanted = typeof parameter === "string" ? parameter : `${parameter.bytes} bytes`;
      throw new KernelSignatureError(this.kernel, `argument ${i} is not of type ${wanted}`);
    }
  }

  /** Writes a value into its slot; returns false when it is not of the type. */
  private put(slot: number, parameter: KernelParameter, value: unknown): boolean {
    if (typeof parameter !== "string") {
      if (!(value instanceof Uint8Array) || value.length !== parameter.bytes) return false;
      this.bytes.set(value, slot);
      return true;
    }
    const { view } = this;
    switch (parameter) {
      case "address":
        return this.putAddress(slot, value);
      case "i32":
        view.setInt32(slot, value as number, true);
        return view.getInt32(slot, true) === value;
      case "u32":
        view.setUint32(slot, value as number, true);
        return view.getUint32(slot, true) === value;
      case "i64":
        return this.putLong(slot, value, (long) => BigInt.asIntN(64, long));
      case "u64":
        return this.putLong(slot, value, (long) => BigInt.asUintN(64, long));
      case "f32":
        if (typeof value !== "number") return false;
        view.setFloat32(slot, value, true);
        return true;
      case "f64":
        if (typeof value !== "number") return false;
        view.setFloat64(slot, value, true);
        return true;
      default:
        return parameter satisfies never;
    }
  }

  private putAddress(slot: number, value: unknown): boolean {
    const address = value ?? 0;
    if (!Number.isSafeInteger(address) || (address as number) < 0) return false;
    this.view.setUint32(slot, (address as number) % 2 ** 32, true);
    this.view.setUint32(slot + 4, Math.floor((address as number) / 2 ** 32), true);
    return true;
  }

  private putLong(slot: number, value: unknown, wrap: (long: bigint) => bigint): boolean {
    if (typeof value !== "bigint" && !Number.isSafeInteger(value)) return false;
    const long = BigInt(value as bigint | number);
    this.view.setBigUint64(slot, BigInt.asUintN(64, long), true);
    return wrap(long) === long;
  }
}
