/** Returns an element of a list; throws if the index is out of range. */
export function at<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no element ${index} of ${items.length}`);
  return item;
}

/** Returns a value that must not be null; throws if it is. */
export function present<T>(value: T | null): T {
  if (value === null) throw new Error("a tensor that this model needs is missing");
  return value;
}
