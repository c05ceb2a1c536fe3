import { CompileError, LibraryCallError } from "../errors.js";
import { SharedLibrary } from "../foreign/shared-library.js";
import { type ArgumentsOf, type StatusCall } from "../foreign/signatures.js";
import { NVRTC_FUNCTIONS, type NvrtcFunctions } from "./functions.js";
import { builtinsBeside, nvrtcPaths, type NvrtcPlaces } from "./nvrtc-paths.js";

const TITLE = "NVRTC, NVIDIA's run-time compiler,";
const REMEDY =
  "It comes with the CUDA toolkit, and with the Python package nvidia-cuda-nvrtc; set its path, or CUDA_HOME.";
const NVRTC_ERROR_COMPILATION = 6;
const NVRTC_ERROR_INVALID_OPTION = 5;

/** A program in CUDA C++. */
export interface CudaSource {
  /** For messages, e.g. `rms-norm.cu`. */
  readonly name: string;
  readonly text: string;
  /** Texts of what it includes, by the name that it is included by. NVRTC has no headers of the host's. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a program is compiled. */
export interface CompileOptions {
  /** E.g. `sm_90a` gives a cubin for that GPU, `compute_90` gives PTX. */
  readonly architecture: string;
  /** Further options of NVRTC, e.g. `--fmad=false`. */
  readonly options?: readonly string[];
}

/** What a program was compiled to. */
export interface CompiledProgram {
  /** A cubin, or PTX as text: `loadModule` takes either. */
  readonly image: Uint8Array | string;
  /** The compiler's warnings; empty when there are none. */
  readonly log: string;
}

/** NVIDIA's compiler of CUDA C++ as a library. It needs neither a GPU nor a driver. */
export class Nvrtc {
  private readonly words = new BigUint64Array(2);
  private readonly integers = new Int32Array(2);

  private constructor(private readonly loaded: SharedLibrary<NvrtcFunctions>) {}

  /** @throws MissingLibraryError naming all places where it was looked for */
  static open(places: NvrtcPlaces = {}): Nvrtc {
    const paths = nvrtcPaths(places);
    // It looks for its second library by name: what is loaded already is found.
    for (const path of paths.filter((one) => one.includes("/"))) {
      for (const builtins of builtinsBeside(path)) SharedLibrary.preload(builtins);
    }
    return new Nvrtc(SharedLibrary.open(NVRTC_FUNCTIONS, { title: TITLE, paths, remedy: REMEDY }));
  }

  /** Path or name that it was loaded by. */
  get library(): string {
    return this.loaded.path;
  }

  /** E.g. `[13, 0]`. The driver must support at least this major version. */
  get version(): readonly [major: number, minor: number] {
    const { integers } = this;
    this.call("nvrtcVersion", integers.subarray(0, 1), integers.subarray(1, 2));
    return [integers[0] ?? 0, integers[1] ?? 0];
  }

  /** Compute capabilities that it compiles for, as 10 major + minor, e.g. 90. */
  get architectures(): readonly number[] {
    this.call("nvrtcGetNumSupportedArchs", this.integers);
    const all = new Int32Array(this.integers[0] ?? 0);
    this.call("nvrtcGetSupportedArchs", all);
    return [...all];
  }

  /** @throws CompileError with the compiler's messages, LibraryCallError */
  compile(source: CudaSource, options: CompileOptions): CompiledProgram {
    const headers = Object.entries(source.headers ?? {});
    this.call(
      "nvrtcCreateProgram",
      ...([this.words, source.text, source.name, headers.length] as const),
      ...([headers.map(([, text]) => text), headers.map(([name]) => name)] as const),
    );
    const program = Number(this.words[0]);
    try {
      const log = this.run(program, source.name, options);
      return { image: this.image(program, options), log };
    } finally {
      this.words[0] = BigInt(program);
      this.call("nvrtcDestroyProgram", this.words);
    }
  }

  /** Compiles a program; returns the log. */
  private run(program: number, name: string, options: CompileOptions): string {
    const all = [`--gpu-architecture=${options.architecture}`, ...(options.options ?? [])];
    const status = this.loaded.functions.nvrtcCompileProgram(program, all.length, all);
    const log = this.text("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", program).trim();
    if (status === NVRTC_ERROR_COMPILATION || status === NVRTC_ERROR_INVALID_OPTION) {
      throw new CompileError(name, log);
    }
    this.check("nvrtcCompileProgram", status);
    return log;
  }

  private image(program: number, { architecture }: CompileOptions): Uint8Array | string {
    if (architecture.startsWith("compute_")) {
      return this.text("nvrtcGetPTXSize", "nvrtcGetPTX", program);
    }
    return this.bytes("nvrtcGetCUBINSize", "nvrtcGetCUBIN", program);
  }

  private text(
    size: "nvrtcGetProgramLogSize" | "nvrtcGetPTXSize",
    get: "nvrtcGetProgramLog" | "nvrtcGetPTX",
    program: number,
  ): string {
    const bytes = this.bytes(size, get, program);
    // The size counts the 0 at the end.
    return new TextDecoder().decode(bytes.subarray(0, Math.max(0, bytes.length - 1)));
  }

  private bytes(
    size: "nvrtcGetProgramLogSize" | "nvrtcGetPTXSize" | "nvrtcGetCUBINSize",
    get: "nvrtcGetProgramLog" | "nvrtcGetPTX" | "nvrtcGetCUBIN",
    program: number,
  ): Uint8Array {
    this.call(size, program, this.words);
    const bytes = new Uint8Array(Number(this.words[0]));
    this.call(get, program, bytes);
    return bytes;
  }

  private call<K extends StatusCall<NvrtcFunctions>>(
    name: K,
    ...values: ArgumentsOf<NvrtcFunctions[K]>
  ): void {
    const native = this.loaded.functions[name] as (
      ...all: ArgumentsOf<NvrtcFunctions[K]>
    ) => number;
    this.check(name, native(...values));
  }

  private check(name: string, status: number): void {
    if (status === 0) return;
    throw new LibraryCallError(name, status, this.loaded.functions.nvrtcGetErrorString(status));
  }
}
