import type { DriverCalls } from "./driver-calls.js";
import { ContextHandle, type ContextScope } from "./handle.js";

const CU_EVENT_DISABLE_TIMING = 2;
const CU_EVENT_INTERPROCESS = 4;

/** What an event is for. */
export interface EventOptions {
  /** Whether it keeps the time, which makes it slower. Default false; never of a shared event. */
  readonly timing?: boolean;
  /** Whether other processes may open it. Default false. */
  readonly shared?: boolean;
}

/** A place in the work of a stream that others wait for. Before it is recorded it counts as reached. */
export class CudaEvent extends ContextHandle {
  constructor(
    context: ContextScope,
    /** `CUevent`. */
    readonly handle: number,
  ) {
    super("event", context);
  }

  static create(context: ContextScope, options: EventOptions): CudaEvent {
    context.enter();
    const { calls } = context;
    const flags =
      (options.timing === true ? 0 : CU_EVENT_DISABLE_TIMING) |
      (options.shared === true ? CU_EVENT_INTERPROCESS : 0);
    return new CudaEvent(context, calls.pointer("cuEventCreate", calls.out, flags));
  }

  /** Opens an event of another process by the handle that it gave. */
  static open(context: ContextScope, handle: Uint8Array): CudaEvent {
    context.enter();
    const { calls } = context;
    return new CudaEvent(
      context,
      calls.pointer("cuIpcOpenEventHandle", calls.out, { bytes: handle }),
    );
  }

  /** Whether the work before it has ended. */
  get isReached(): boolean {
    return this.enter().isReady("cuEventQuery", this.handle);
  }

  /** Blocks this thread until the work before it has ended. */
  synchronize(): void {
    this.enter().call("cuEventSynchronize", this.handle);
  }

  /** Returns the milliseconds from an earlier event to this one; both keep the time and were reached. */
  millisecondsSince(start: CudaEvent): number {
    const calls = this.enter();
    start.mustBeAlive();
    return calls.float("cuEventElapsedTime", calls.out, start.handle, this.handle);
  }

  /** Returns a handle, of 64 bytes, by which another process opens this event. */
  shareHandle(): Uint8Array {
    const handle = new Uint8Array(64);
    this.enter().call("cuIpcGetEventHandle", handle, this.handle);
    return handle;
  }

  protected override giveBack(calls: DriverCalls): void {
    calls.call("cuEventDestroy_v2", this.handle);
  }
}
