/** An interruptible computation: yields until it returns its result, so that the caller can do other work. */
export type Search<T> = Generator<undefined, T>;

/** Runs an interruptible computation to its end. */
export function drain<T>(search: Search<T>): T {
  for (;;) {
    const step = search.next();
    if (step.done === true) return step.value;
  }
}
