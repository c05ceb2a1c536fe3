/**
 * The emulated GPU driver (packages/cuda/fake-driver) in this process: built when it is needed first, and asked what it saw.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { CudaDriver, Nvrtc } from "@gumshoe/cuda";
import koffi from "koffi";

const BUILD = fileURLToPath(new URL("../../packages/cuda/fake-driver/build.mjs", import.meta.url));

/** What can be counted in the emulated driver. */
export type LiveKind = "memory" | "streams" | "events" | "graphs" | "modules" | "pinned";

/** A setting of the emulated driver: fake-driver/settings.h explains them. */
export type EmulatedSetting =
  "gpus" | "memory" | "version" | "peers" | "threads" | "schedule" | "faults" | "log";

/** Builds the emulated driver; returns its folder, or null, and says so, when this machine cannot build it. */
export function emulatedFolder(): string | null {
  const built = spawnSync(process.execPath, [BUILD], { encoding: "utf8" });
  if (built.status === 0) return built.stdout.trim();
  if (built.status !== 3) throw new Error(built.stderr);
  console.warn("SKIPPED: tests on emulated GPUs (they need Linux and g++)");
  return null;
}

/** The emulated driver's libraries, and what it saw in this process. */
export class EmulatedGpu {
  readonly library: string;
  readonly nvrtcLibrary: string;
  private readonly functions;

  constructor(readonly folder: string) {
    this.library = join(folder, "libcuda.so.1");
    this.nvrtcLibrary = join(folder, "libnvrtc.so.13");
    process.env["GUMSHOE_EMULATED_CACHE"] = join(folder, "modules");
    const library = koffi.load(this.library);
    this.functions = {
      set: library.func("int gumshoeEmulatedSet(const char *name, const char *value)"),
      failure: library.func("const char *gumshoeEmulatedFailure()"),
      calls: library.func("size_t gumshoeEmulatedCalls(const char *name)"),
      live: library.func("size_t gumshoeEmulatedLive(const char *kind)"),
    };
  }

  /** Variables by which another process finds these libraries where a GPU machine has NVIDIA's. */
  get environment(): NodeJS.ProcessEnv {
    return {
      LD_LIBRARY_PATH: this.folder,
      GUMSHOE_EMULATED_CACHE: join(this.folder, "modules"),
    };
  }

  /** Changes a setting; those that devices are made of count before the driver is opened. */
  set(name: EmulatedSetting, value: string | number): void {
    if (this.functions.set(name, String(value)) !== 0) throw new Error(`no setting ${name}`);
  }

  /** What the last failure was, in more words than its status has. */
  get failure(): string {
    return this.functions.failure() as string;
  }

  calls(name: string): number {
    return Number(this.functions.calls(name));
  }

  live(kind: LiveKind): number {
    return Number(this.functions.live(kind));
  }

  openDriver(): CudaDriver {
    return CudaDriver.open({ library: this.library });
  }

  /** Compiles a program for the emulated GPU. */
  compile(text: string): Uint8Array {
    const nvrtc = Nvrtc.open({ library: this.nvrtcLibrary });
    const { image } = nvrtc.compile({ name: "test.cu", text }, { architecture: "sm_90" });
    if (typeof image === "string") throw new Error("not a cubin");
    return image;
  }
}
