import type { DriverCalls } from "./driver-calls.js";
import { ContextHandle, type ContextScope } from "./handle.js";

/** Work that was captured from a stream and is launched as a whole, as often as wanted. */
export class Graph extends ContextHandle {
  constructor(
    context: ContextScope,
    /** `CUgraphExec`. */
    readonly handle: number,
    /** Kernels, copies and fills in it. */
    readonly nodeCount: number,
  ) {
    super("graph", context);
  }

  /** Makes a captured graph launchable, and gives the captured form back. */
  static instantiate(context: ContextScope, captured: number): Graph {
    context.enter();
    const { calls } = context;
    try {
      calls.call("cuGraphGetNodes", captured, null, calls.out);
      const nodeCount = calls.word(0);
      const handle = calls.pointer("cuGraphInstantiateWithFlags", calls.out, captured, 0);
      return new Graph(context, handle, nodeCount);
    } finally {
      calls.givingBack(() => calls.call("cuGraphDestroy", captured));
    }
  }

  protected override giveBack(calls: DriverCalls): void {
    calls.call("cuGraphExecDestroy", this.handle);
  }
}
