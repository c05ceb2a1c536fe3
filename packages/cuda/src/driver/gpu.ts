import { CudaContext } from "./context.js";
import type { DriverCalls } from "./driver-calls.js";

/** Numbers of the attributes (`CUdevice_attribute`) that are read. */
const ATTRIBUTES = {
  maxThreadsPerBlock: 1,
  warpSize: 10,
  clockKhz: 13,
  multiprocessors: 16,
  memoryClockKhz: 36,
  memoryBusBits: 37,
  l2Bytes: 38,
  unifiedAddressing: 41,
  computeMajor: 75,
  computeMinor: 76,
  maxSharedBytesPerMultiprocessor: 81,
  maxRegistersPerMultiprocessor: 82,
  maxSharedBytesPerBlock: 97,
  memoryPools: 115,
} as const;

/** A number that describes a device. */
export type GpuAttribute = keyof typeof ATTRIBUTES;

const NAME_BYTES = 256;

/** One GPU of this machine. */
export class Gpu {
  private readonly device: number;

  constructor(
    private readonly calls: DriverCalls,
    /** Its number, from 0, among those that CUDA_VISIBLE_DEVICES leaves. */
    readonly ordinal: number,
  ) {
    this.device = calls.integer("cuDeviceGet", calls.out, ordinal);
  }

  /** E.g. `NVIDIA H100 80GB HBM3`. */
  get name(): string {
    return this.text("cuDeviceGetName");
  }

  /** Its place on the bus, e.g. `0000:3b:00.0`, as nvidia-smi shows it. */
  get pciBusId(): string {
    return this.text("cuDeviceGetPCIBusId").toLowerCase();
  }

  /** As nvidia-smi shows it: `GPU-` and 32 hexadecimal digits in groups. */
  get uuid(): string {
    const bytes = new Uint8Array(16);
    this.calls.call("cuDeviceGetUuid_v2", bytes, this.device);
    const hex = Buffer.from(bytes).toString("hex");
    const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
    return `GPU-${groups.join("-")}-${hex.slice(20)}`;
  }

  get totalMemoryBytes(): number {
    return this.calls.pointer("cuDeviceTotalMem_v2", this.calls.out, this.device);
  }

  /** Compute capability, e.g. `[9, 0]`. */
  get computeCapability(): readonly [major: number, minor: number] {
    return [this.attribute("computeMajor"), this.attribute("computeMinor")];
  }

  attribute(name: GpuAttribute): number {
    const { calls } = this;
    return calls.integer("cuDeviceGetAttribute", calls.out, ATTRIBUTES[name], this.device);
  }

  /** Whether kernels of this GPU can be let use the memory of another. */
  canAccess(peer: Gpu): boolean {
    const { calls } = this;
    return calls.integer("cuDeviceCanAccessPeer", calls.out, this.device, peer.device) !== 0;
  }

  /** Retains its primary context, which is made at the first time: that takes a moment and memory. */
  createContext(): CudaContext {
    return CudaContext.retain(this.calls, { ordinal: this.ordinal, device: this.device });
  }

  private text(call: "cuDeviceGetName" | "cuDeviceGetPCIBusId"): string {
    const bytes = new Uint8Array(NAME_BYTES);
    this.calls.call(call, bytes, NAME_BYTES, this.device);
    return new TextDecoder().decode(bytes.subarray(0, bytes.indexOf(0)));
  }
}
