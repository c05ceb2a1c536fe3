import { LibraryCallError } from "../errors.js";
import type { SharedLibrary } from "./shared-library.js";
import type { ArgumentsOf, FunctionTable, NativeFunctions, StatusCall } from "./signatures.js";

/** Calls functions of a library that return 0 for success, and turns every other status into an error. */
export class CheckedCalls<T extends FunctionTable> {
  readonly native: NativeFunctions<T>;
  /** Where a function writes an output of up to 8 bytes; the next call overwrites it. */
  readonly out = new Uint8Array(8);
  private readonly view = new DataView(this.out.buffer);

  constructor(
    readonly library: SharedLibrary<T>,
    /** Says what a status means. */
    private readonly textOf: (native: NativeFunctions<T>, status: number) => string,
  ) {
    this.native = library.functions;
  }

  /** @throws LibraryCallError when the call fails */
  call<K extends StatusCall<T>>(name: K, ...values: ArgumentsOf<T[K]>): void {
    const native = this.native[name] as (...all: ArgumentsOf<T[K]>) => number;
    this.check(name, native(...values));
  }

  /** @throws LibraryCallError when the status is not 0 */
  check(call: string, status: number): void {
    if (status === 0) return;
    throw new LibraryCallError(call, status, this.textOf(this.native, status));
  }

  /** The last output as a pointer or a size. */
  get word(): number {
    return Number(this.view.getBigUint64(0, true));
  }

  /** The last output as an `int`. */
  get integer(): number {
    return this.view.getInt32(0, true);
  }
}
