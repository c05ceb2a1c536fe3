import type { DeviceAddress } from "../driver/address.js";
import type { ContextScope } from "../driver/handle.js";
import { ContextHandle } from "../driver/handle.js";
import type { Stream } from "../driver/stream.js";
import { CheckedCalls } from "../foreign/checked-calls.js";
import { libraryPaths, type LibraryPlaces } from "../foreign/library-paths.js";
import { SharedLibrary } from "../foreign/shared-library.js";
import { CUBLAS_LT_FUNCTIONS, type CublasLtFunctions } from "./cublas-lt-functions.js";

const NAMES = {
  files: ["libcublasLt.so.13", "libcublasLt.so.12"],
  packages: ["cu13/lib", "cublas/lib"],
};
const REMEDY = "It comes with the CUDA toolkit, and with the Python package nvidia-cublas.";

/** `cudaDataType`. */
const DATA_TYPES = { f32: 0, bf16: 14 } as const;
/** `cublasComputeType_t`: float32 that is never narrowed, sums in float32 for bf16. */
const CUBLAS_COMPUTE_32F = 68;
const CUBLASLT_MATMUL_DESC_TRANSA = 3;
const CUBLAS_OP_T = 1;
const CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1;
/** `cublasLtMatmulHeuristicResult_t`: the algorithm, then what it needs, and whether it can be used. */
const RESULT_BYTES = 96;
const ALGORITHM_BYTES = 64;
const RESULT_STATE = 72;

/** A product y = x W^T: x [m, k], W [n, k], y [m, n], all row-major. */
export interface MatrixProduct {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** Of x and W. */
  readonly input: "f32" | "bf16";
  /** Of y; sums are float32. */
  readonly output: "f32" | "bf16";
}

/** One way to compute a product. */
export interface ProductAlgorithm {
  /** `cublasLtMatmulAlgo_t`. */
  readonly bytes: Uint8Array;
  readonly workspaceBytes: number;
}

/** NVIDIA's matrix products. Loaded only here. */
export class CublasLt extends ContextHandle {
  private constructor(
    context: ContextScope,
    readonly lt: CheckedCalls<CublasLtFunctions>,
    /** `cublasLtHandle_t`. */
    readonly handle: number,
  ) {
    super("cuBLASLt", context);
  }

  /** @throws MissingLibraryError naming all places where it was looked for, LibraryCallError */
  static open(context: ContextScope, places: LibraryPlaces = {}): CublasLt {
    const paths = libraryPaths(NAMES, places);
    const about = { title: "cuBLASLt", paths, remedy: REMEDY };
    const library = SharedLibrary.open(CUBLAS_LT_FUNCTIONS, about);
    const lt = new CheckedCalls(library, (native, code) => native.cublasLtGetStatusString(code));
    context.enter();
    lt.call("cublasLtCreate", lt.out);
    return new CublasLt(context, lt, lt.word);
  }

  /** As 10000 major + 100 minor + patch. */
  get version(): number {
    return this.lt.native.cublasLtGetVersion();
  }

  /** Prepares a product. */
  plan(product: MatrixProduct): ProductPlan {
    this.enter();
    return new ProductPlan(this, product);
  }

  protected override giveBack(): void {
    this.lt.call("cublasLtDestroy", this.handle);
  }
}

/** A product that cuBLASLt can compute in several ways. */
export class ProductPlan extends ContextHandle {
  private readonly description: number;
  private readonly layouts: readonly [weight: number, x: number, y: number];

  constructor(
    private readonly library: CublasLt,
    readonly product: MatrixProduct,
  ) {
    super("a product of cuBLASLt", library.context);
    const { lt } = library;
    const { m, n, k, input, output } = product;
    // cuBLASLt is column-major: y^T [n, m] = W [k, n]^T x^T [k, m].
    lt.call("cublasLtMatmulDescCreate", lt.out, CUBLAS_COMPUTE_32F, DATA_TYPES.f32);
    this.description = lt.word;
    const transposed = Int32Array.of(CUBLAS_OP_T);
    lt.call(
      "cublasLtMatmulDescSetAttribute",
      ...([this.description, CUBLASLT_MATMUL_DESC_TRANSA, transposed, 4] as const),
    );
    this.layouts = [
      this.layout(input, k, n),
      this.layout(input, k, m),
      this.layout(output, n, m),
    ] as const;
  }

  /** Returns up to `most` algorithms, by cuBLASLt's own estimate the fastest first. */
  algorithms(options: { readonly workspaceBytes: number; readonly most: number }) {
    this.enter();
    const { lt, handle } = this.library;
    const [weight, x, y] = this.layouts;
    lt.call("cublasLtMatmulPreferenceCreate", lt.out);
    const preference = lt.word;
    const results = new Uint8Array(options.most * RESULT_BYTES);
    try {
      lt.call(
        "cublasLtMatmulPreferenceSetAttribute",
        ...([preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES] as const),
        ...([BigUint64Array.of(BigInt(options.workspaceBytes)), 8] as const),
      );
      lt.call(
        "cublasLtMatmulAlgoGetHeuristic",
        ...([handle, this.description, weight, x, y, y] as const),
        ...([preference, options.most, results, lt.out] as const),
      );
    } finally {
      lt.call("cublasLtMatmulPreferenceDestroy", preference);
    }
    return readAlgorithms(results, lt.integer);
  }

  /** Computes the product in a stream. */
  run(
    stream: Stream,
    algorithm: ProductAlgorithm,
    tensors: {
      readonly x: DeviceAddress;
      readonly weight: DeviceAddress;
      readonly y: DeviceAddress;
      readonly workspace: DeviceAddress | null;
    },
  ): void {
    this.enter();
    stream.mustBeAlive();
    const { lt, handle } = this.library;
    const [weight, x, y] = this.layouts;
    const [one, zero] = [Float32Array.of(1), Float32Array.of(0)];
    lt.call(
      "cublasLtMatmul",
      ...([handle, this.description, one, tensors.weight, weight, tensors.x, x] as const),
      ...([zero, tensors.y, y, tensors.y, y, algorithm.bytes] as const),
      ...([tensors.workspace ?? 0, algorithm.workspaceBytes, stream.handle] as const),
    );
  }

  private layout(type: "f32" | "bf16", rows: number, columns: number): number {
    const { lt } = this.library;
    lt.call("cublasLtMatrixLayoutCreate", lt.out, DATA_TYPES[type], rows, columns, rows);
    return lt.word;
  }

  protected override giveBack(): void {
    const { lt } = this.library;
    for (const layout of this.layouts) lt.call("cublasLtMatrixLayoutDestroy", layout);
    lt.call("cublasLtMatmulDescDestroy", this.description);
  }
}

function readAlgorithms(results: Uint8Array, count: number): ProductAlgorithm[] {
  const view = new DataView(results.buffer);
  return Array.from({ length: count }, (_, i) => i * RESULT_BYTES)
    .filter((at) => view.getInt32(at + RESULT_STATE, true) === 0)
    .map((at) => ({
      bytes: results.slice(at, at + ALGORITHM_BYTES),
      workspaceBytes: Number(view.getBigUint64(at + ALGORITHM_BYTES, true)),
    }));
}
