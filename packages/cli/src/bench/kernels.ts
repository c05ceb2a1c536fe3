import { createCpuDevice, type Device, ops, type Tensor } from "@gumshoe/kernels";

import { type Figure } from "./figure.js";
import { type BenchSettings } from "./settings.js";
import { shapeConfig } from "./shapes.js";
import { timeSteps } from "./train.js";

/** Rows of a product: one answer, a decode batch, a training batch. */
const ROWS = [1, 32, 2048];

interface Sizes {
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** Records one product into a list. */
type Product = (list: ReturnType<Device["createCommandList"]>, sizes: Sizes) => void;

/**
 * Times the matrix products of a layer's widest linear map, in all three directions: what most of the
 * time goes into. Few rows are bound by memory, many by the FMA peak.
 */
export function benchKernels({ shape, threads, peakGflops, seconds }: BenchSettings): Figure[] {
  const { width: k, intermediateSize: n } = shapeConfig(shape);
  const device = createCpuDevice(threads === null ? {} : { threads });
  try {
    const buffers = new ProductBuffers(device, Math.max(...ROWS), n, k);
    return Object.entries(buffers.products).flatMap(([name, product]) =>
      ROWS.map((m) => {
        const sizes = { m, n, k };
        const list = device.createCommandList();
        // Small products many times in one list, so that a list's own cost does not count.
        const repeats = Math.max(1, Math.round(2e8 / (2 * m * n * k)));
        for (let i = 0; i < repeats; i++) product(list, sizes);
        const duration = timeSteps(() => list.run(), seconds / ROWS.length) / repeats;
        const rate = (2 * m * n * k) / duration / 1e9;
        const work = `${m} x ${n} x ${k}`;
        const limits = { limit: peakGflops, share: rate / peakGflops };
        return { name, shape: work, median: rate, unit: "GFLOP/s", ...limits };
      }),
    );
  } finally {
    device.dispose();
  }
}

class ProductBuffers {
  readonly #x: Tensor;
  readonly #y: Tensor;
  readonly #dw: Tensor;
  readonly #packed: Tensor;
  readonly #packedTransposed: Tensor;

  constructor(device: Device, maxRows: number, n: number, k: number) {
    const filled = (length: number): Tensor => {
      const tensor = device.alloc("f32", length);
      device.write(
        tensor,
        Float32Array.from({ length }, (_, i) => ((i * 31) % 1009) / 1009 - 0.5),
      );
      return tensor;
    };
    this.#x = filled(maxRows * k);
    this.#y = filled(maxRows * n);
    this.#dw = device.alloc("f32", n * k);
    const w = filled(n * k);
    const pack = (transposed: boolean): Tensor => {
      const packed = device.alloc("f32", ops.packedLength(n, k));
      const list = device.createCommandList();
      ops.packMatrix(list, { w, packed, n, k, transposed });
      list.run();
      return packed;
    };
    this.#packed = pack(false);
    this.#packedTransposed = pack(true);
  }

  readonly products: Readonly<Record<string, Product>> = {
    "product, forward": (list, { m, n, k }) => {
      const [x, y] = [this.#x.slice(0, m * k), this.#y.slice(0, m * n)];
      ops.linear(list, { x, weight: this.#packed, bias: null, addend: null, y, m, n, k });
    },
    "product, to the input": (list, { m, n, k }) => {
      const [dx, dy] = [this.#x.slice(0, m * k), this.#y.slice(0, m * n)];
      const weight = this.#packedTransposed;
      ops.linearBackwardInput(list, { dy, weight, addend: null, dx, m, n, k });
    },
    "product, to the weight": (list, { m, n, k }) => {
      const [x, dy] = [this.#x.slice(0, m * k), this.#y.slice(0, m * n)];
      ops.linearBackwardWeight(list, { x, dy, dw: this.#dw, db: null, m, n, k });
    },
  };
}
