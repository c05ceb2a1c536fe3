import { dirname, join } from "node:path";

import { CompileError } from "../errors.js";
import { CheckedCalls } from "../foreign/checked-calls.js";
import { libraryPaths, type LibraryPlaces, namesIn } from "../foreign/library-paths.js";
import { SharedLibrary } from "../foreign/shared-library.js";
import { NVRTC_FUNCTIONS, type NvrtcFunctions } from "./functions.js";
import { wheelFolders } from "./wheels.js";

const TITLE = "NVRTC, NVIDIA's run-time compiler,";
const REMEDY =
  "It comes with the CUDA toolkit, and with the Python package nvidia-cuda-nvrtc; set its path, or CUDA_HOME.";
/** Versions that are looked for, newest first. */
const MAJORS = [13, 12] as const;
const PACKAGES = ["cu13/lib", "cuda_nvrtc/lib"];
const NVRTC_ERROR_INVALID_OPTION = 5;
const NVRTC_ERROR_COMPILATION = 6;

/** Where NVRTC may be. */
export interface NvrtcPlaces extends LibraryPlaces {
  /** The newest major version whose code the driver loads, e.g. 12; default: any. */
  readonly newestMajor?: number;
}

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
  private constructor(private readonly calls: CheckedCalls<NvrtcFunctions>) {}

  /**
   * Loads it from the first place that has it; with an environment, what `fetchNvrtc` has kept comes last.
   *
   * @throws MissingLibraryError naming all places where it was looked for
   */
  static open(places: NvrtcPlaces = {}): Nvrtc {
    const { newestMajor = Infinity } = places;
    const majors = MAJORS.filter((major) => major <= newestMajor);
    const files = majors.map((major) => `libnvrtc.so.${major}`);
    const { environment, folders = [] } = places;
    const fetched = environment === undefined ? [] : wheelFolders(environment);
    const paths = libraryPaths(
      { files, packages: PACKAGES },
      { library: places.library, environment, folders: [...folders, ...fetched] },
    );
    // It looks for its second library by name only: what is loaded already is found.
    for (const path of paths.filter((one) => one.includes("/"))) preloadBuiltins(dirname(path));
    const library = SharedLibrary.open(NVRTC_FUNCTIONS, { title: TITLE, paths, remedy: REMEDY });
    return new Nvrtc(
      new CheckedCalls(library, (native, status) => native.nvrtcGetErrorString(status)),
    );
  }

  /** Path or name that it was loaded by. */
  get library(): string {
    return this.calls.library.path;
  }

  /** E.g. `[13, 0]`. The driver must support at least this major version. */
  get version(): readonly [major: number, minor: number] {
    const [major, minor] = [new Int32Array(1), new Int32Array(1)];
    this.calls.call("nvrtcVersion", major, minor);
    return [major[0] ?? 0, minor[0] ?? 0];
  }

  /** Compute capabilities that it compiles for, as 10 major + minor, e.g. 90. */
  get architectures(): readonly number[] {
    this.calls.call("nvrtcGetNumSupportedArchs", this.calls.out);
    const all = new Int32Array(this.calls.integer);
    this.calls.call("nvrtcGetSupportedArchs", all);
    return [...all];
  }

  /** @throws CompileError with the compiler's messages, LibraryCallError */
  compile(source: CudaSource, options: CompileOptions): CompiledProgram {
    const headers = Object.entries(source.headers ?? {});
    const { calls } = this;
    calls.call(
      "nvrtcCreateProgram",
      ...([calls.out, source.text, source.name, headers.length] as const),
      ...([headers.map(([, text]) => text), headers.map(([name]) => name)] as const),
    );
    const program = calls.word;
    try {
      const log = this.run(program, source.name, options);
      return { image: this.image(program, options), log };
    } finally {
      calls.call("nvrtcDestroyProgram", BigUint64Array.of(BigInt(program)));
    }
  }

  /** Compiles a program; returns the log. */
  private run(program: number, name: string, options: CompileOptions): string {
    const all = [`--gpu-architecture=${options.architecture}`, ...(options.options ?? [])];
    const status = this.calls.native.nvrtcCompileProgram(program, all.length, all);
    const log = this.text("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", program).trim();
    if (status === NVRTC_ERROR_COMPILATION || status === NVRTC_ERROR_INVALID_OPTION) {
      throw new CompileError(name, log);
    }
    this.calls.check("nvrtcCompileProgram", status);
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
    this.calls.call(size, program, this.calls.out);
    const bytes = new Uint8Array(this.calls.word);
    this.calls.call(get, program, bytes);
    return bytes;
  }
}

function preloadBuiltins(folder: string): void {
  const builtins = namesIn(folder).filter((name) => /^libnvrtc-builtins\.so\.\d+\.\d+/.test(name));
  for (const name of builtins) SharedLibrary.preload(join(folder, name));
}
