import { DisposedHandleError } from "../errors.js";
import type { DriverCalls } from "./driver-calls.js";

/** Something of the driver's that is given back once: by `dispose()`, `using` or `await using`. */
export abstract class Handle {
  private alive = true;

  constructor(
    /** What it is, for errors. */
    readonly title: string,
  ) {}

  /** False once it was disposed. */
  get isAlive(): boolean {
    return this.alive;
  }

  /** Gives it back; idempotent. */
  dispose(): void {
    if (!this.alive) return;
    this.alive = false;
    this.release();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.dispose();
  }

  /** @throws DisposedHandleError */
  mustBeAlive(): void {
    if (!this.alive) throw new DisposedHandleError(this.title);
  }

  protected abstract release(): void;
}

/** What a handle needs of the context that it belongs to. */
export interface ContextScope {
  readonly calls: DriverCalls;
  /** The context's own handle, `CUcontext`. */
  readonly handle: number;
  /** Makes the context current in this thread; @throws DisposedHandleError */
  enter(): void;
  /** Disposes a handle together with the context. */
  adopt(handle: ContextHandle): void;
  forget(handle: ContextHandle): void;
}

/** A handle that is disposed with its context at the latest. */
export abstract class ContextHandle extends Handle {
  constructor(
    title: string,
    readonly context: ContextScope,
  ) {
    super(title);
    context.adopt(this);
  }

  override dispose(): void {
    if (!this.isAlive) return;
    this.context.forget(this);
    super.dispose();
  }

  protected override release(): void {
    const { calls } = this.context;
    calls.givingBack(() => {
      this.context.enter();
      this.giveBack(calls);
    });
  }

  /** Calls the driver's function that gives the handle back. */
  protected abstract giveBack(calls: DriverCalls): void;

  /** Makes the context current; @throws DisposedHandleError */
  protected enter(): DriverCalls {
    this.mustBeAlive();
    this.context.enter();
    return this.context.calls;
  }
}
