/** Memory of the host that a native function reads or writes: an array, its address, or null. */
export type HostPointer = NodeJS.ArrayBufferView | ArrayBuffer | number | null;

/** What a function's parameters are in JavaScript, by kind. */
export interface ParameterTypes {
  readonly u8: number;
  readonly i32: number;
  readonly u32: number;
  readonly u64: number;
  readonly f32: number;
  /** `size_t`. */
  readonly size: number;
  /** An opaque pointer, below 2^53. */
  readonly handle: number;
  /** An address in a device's memory, below 2^53. */
  readonly address: number;
  /** Memory that the function reads, or writes when it is an output. */
  readonly host: HostPointer;
  readonly text: string;
  /** `const char**`: receives a text. */
  readonly textOut: [string | null];
  /** `const char* const*`. */
  readonly texts: readonly string[];
  /** A structure of 64 bytes, by value. */
  readonly bytes64: { readonly bytes: Uint8Array };
  /** A structure of 128 bytes, by value. */
  readonly bytes128: { readonly bytes: Uint8Array };
}

/** A key of {@link ParameterTypes}. */
export type ParameterKind = keyof ParameterTypes;

/** What a function returns: a status, or a text that it owns. */
export interface ResultTypes {
  readonly status: number;
  readonly text: string;
  readonly size: number;
}

/** A native function, as its header declares it. */
export interface Signature {
  readonly parameters: readonly ParameterKind[];
  readonly result: keyof ResultTypes;
}

/** Declares a function that returns a status. */
export function status<const P extends readonly ParameterKind[]>(
  ...parameters: P
): { readonly parameters: P; readonly result: "status" } {
  return { parameters, result: "status" };
}

/** Declares a function that returns a text of the library. */
export function text<const P extends readonly ParameterKind[]>(
  ...parameters: P
): { readonly parameters: P; readonly result: "text" } {
  return { parameters, result: "text" };
}

/** Declares a function that returns a `size_t`. */
export function size<const P extends readonly ParameterKind[]>(
  ...parameters: P
): { readonly parameters: P; readonly result: "size" } {
  return { parameters, result: "size" };
}

/** JavaScript's types of a list of parameters. */
type ValuesOf<P extends readonly ParameterKind[]> = {
  readonly [I in keyof P]: ParameterTypes[P[I]];
};

/** The arguments of a function in JavaScript. */
export type ArgumentsOf<S extends Signature> = ValuesOf<S["parameters"]>;

/** Names and signatures of a library's functions. */
export type FunctionTable = Readonly<Record<string, Signature>>;

/** Callable functions of a table. */
export type NativeFunctions<T extends FunctionTable> = {
  readonly [K in keyof T]: (...values: ArgumentsOf<T[K]>) => ResultTypes[T[K]["result"]];
};

/** Names of those functions of a table that return a status. */
export type StatusCall<T extends FunctionTable> = {
  [K in keyof T]: T[K]["result"] extends "status" ? K : never;
}[keyof T] &
  string;
