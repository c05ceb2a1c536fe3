import { createRequire } from "node:module";

import { errorMessage } from "@gumshoe/core";
import type * as Koffi from "koffi";

import {
  ForeignCallsError,
  type LibraryAttempt,
  MissingFunctionError,
  MissingLibraryError,
} from "../errors.js";
import type { FunctionTable, NativeFunctions, ParameterKind, Signature } from "./signatures.js";

type KoffiModule = typeof Koffi;
let loaded: { readonly koffi: KoffiModule; readonly kinds: Kinds } | null = null;
type NativeType = string | Koffi.TypeObject | ReturnType<KoffiModule["out"]>;
type Kinds = Readonly<Record<ParameterKind, NativeType>>;

/** Loads koffi when it is needed first: a program that calls no library does without it. */
function foreign(): { readonly koffi: KoffiModule; readonly kinds: Kinds } {
  if (loaded !== null) return loaded;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as KoffiModule;
    loaded = { koffi, kinds: kindsOf(koffi) };
    return loaded;
  } catch (error) {
    throw new ForeignCallsError(error);
  }
}

function kindsOf(koffi: KoffiModule): Kinds {
  const structure = (bytes: number) =>
    koffi.struct({ bytes: koffi.array("uint8_t", bytes, "Typed") });
  return {
    u8: "uint8_t",
    i32: "int32_t",
    u32: "uint32_t",
    u64: "uint64_t",
    f32: "float",
    size: "size_t",
    handle: "uint64_t",
    address: "uint64_t",
    host: "void *",
    text: "const char *",
    textOut: koffi.out("const char **"),
    texts: "const char **",
    bytes64: structure(64),
    bytes128: structure(128),
  };
}

/** A native library that was loaded. It stays loaded until the process ends. */
export class SharedLibrary<T extends FunctionTable> {
  /** Its functions, each looked up at its first use; @throws MissingFunctionError */
  readonly functions: NativeFunctions<T>;

  private constructor(
    /** What it is, e.g. `the CUDA driver`. */
    readonly title: string,
    readonly path: string,
    table: T,
    handle: Koffi.LibraryHandle,
  ) {
    this.functions = lazyFunctions(title, table, handle);
  }

  /**
   * Loads the first of `paths` that can be loaded.
   *
   * @param about.remedy  what a user can do when there is none, as a sentence
   * @throws MissingLibraryError naming every path and why it was not loaded
   */
  static open<T extends FunctionTable>(
    table: T,
    about: {
      readonly title: string;
      readonly paths: readonly string[];
      readonly remedy: string;
      /** Places where nothing was found before any library was tried. */
      readonly attempts?: readonly LibraryAttempt[];
    },
  ): SharedLibrary<T> {
    const { koffi } = foreign();
    const attempts = [...(about.attempts ?? [])];
    for (const path of about.paths) {
      try {
        return new SharedLibrary(about.title, path, table, koffi.load(path));
      } catch (error) {
        attempts.push({ path, problem: problemOf(error) });
      }
    }
    throw new MissingLibraryError(about.title, attempts, about.remedy);
  }

  /** Loads a library that another one will look for by its name; returns whether it could be loaded. */
  static preload(path: string): boolean {
    try {
      foreign().koffi.load(path);
      return true;
    } catch {
      return false;
    }
  }

  /** Whether the library exports a function. */
  has(name: keyof T & string): boolean {
    try {
      return typeof this.functions[name] === "function";
    } catch {
      return false;
    }
  }
}

/** Returns the address of an array's first byte. The array must not be collected while it is used. */
export function hostAddress(array: NodeJS.ArrayBufferView): number {
  return Number(foreign().koffi.address(array));
}

function problemOf(error: unknown): string {
  return errorMessage(error).replace("Failed to load shared library: ", "");
}

function lazyFunctions<T extends FunctionTable>(
  title: string,
  table: T,
  handle: Koffi.LibraryHandle,
): NativeFunctions<T> {
  const functions = {};
  for (const [name, signature] of Object.entries(table)) {
    const look = () => {
      const value = bind(title, name, signature, handle);
      Object.defineProperty(functions, name, { value, enumerable: true });
      return value;
    };
    Object.defineProperty(functions, name, { get: look, enumerable: true, configurable: true });
  }
  return functions as NativeFunctions<T>;
}

const RESULTS = { status: "int32_t", text: "const char *", size: "size_t" } as const;

function bind(title: string, name: string, signature: Signature, handle: Koffi.LibraryHandle) {
  const { kinds } = foreign();
  const parameters = signature.parameters.map((kind) => kinds[kind]);
  try {
    return handle.func(name, RESULTS[signature.result], parameters);
  } catch (error) {
    throw new MissingFunctionError(title, name, error);
  }
}
