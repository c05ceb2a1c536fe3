import { InvalidArgumentError } from "@gumshoe/core";

import { DriverTooOldError } from "../errors.js";
import { SharedLibrary } from "../foreign/shared-library.js";
import { DriverCalls } from "./driver-calls.js";
import { DRIVER_FUNCTIONS } from "./functions.js";
import { Gpu } from "./gpu.js";

const TITLE = "the CUDA driver";
const REMEDY =
  "It comes with the NVIDIA driver; in a container, with the NVIDIA Container Toolkit.";

/** Where the driver is by name, on each system; under WSL it is in a folder that not every shell searches. */
const PATHS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ["libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1"],
  win32: ["nvcuda.dll"],
};

/** The oldest driver whose functions are called: CUDA 12.0, as 1000 major + 10 minor. */
const OLDEST_VERSION = 12_000;

/** How a driver is opened. */
export interface DriverOptions {
  /** Its library's path; default: where the system has it. */
  readonly library?: string;
}

/** The CUDA driver of this machine. */
export class CudaDriver {
  private constructor(
    /** Its functions, which return a status or throw: for what the classes here do not cover. */
    readonly calls: DriverCalls,
    private readonly versionNumber: number,
  ) {}

  /**
   * Loads and initialises the driver.
   *
   * @throws MissingLibraryError when there is none, DriverTooOldError, CudaError (NOT_FOUND) without a GPU
   */
  static open(options: DriverOptions = {}): CudaDriver {
    const paths = options.library === undefined ? PATHS[process.platform] : [options.library];
    const library = SharedLibrary.open(DRIVER_FUNCTIONS, {
      title: TITLE,
      paths: paths ?? [],
      remedy: paths === undefined ? `There is none for ${process.platform}.` : REMEDY,
    });
    const calls = new DriverCalls(library);
    const version = calls.integer("cuDriverGetVersion", calls.out);
    if (version < OLDEST_VERSION) {
      throw new DriverTooOldError(versionText(version), versionText(OLDEST_VERSION));
    }
    calls.call("cuInit", 0);
    return new CudaDriver(calls, version);
  }

  /** The newest CUDA that it supports, e.g. `13.0`. */
  get version(): string {
    return versionText(this.versionNumber);
  }

  /** Path or name that its library was loaded by. */
  get library(): string {
    return this.calls.library.path;
  }

  get gpuCount(): number {
    return this.calls.integer("cuDeviceGetCount", this.calls.out);
  }

  /** @throws InvalidArgumentError when there is no GPU of this number */
  gpu(ordinal: number): Gpu {
    const count = this.gpuCount;
    if (Number.isInteger(ordinal) && ordinal >= 0 && ordinal < count) {
      return new Gpu(this.calls, ordinal);
    }
    const there =
      count === 1 ? "this machine has GPU 0 only" : `this machine has 0 to ${count - 1}`;
    throw new InvalidArgumentError("gpu", `there is no GPU ${ordinal}`, { suggestion: there });
  }

  /** All GPUs. */
  gpus(): Gpu[] {
    return Array.from({ length: this.gpuCount }, (_, ordinal) => this.gpu(ordinal));
  }
}

function versionText(version: number): string {
  return `${Math.floor(version / 1000)}.${Math.floor((version % 1000) / 10)}`;
}
