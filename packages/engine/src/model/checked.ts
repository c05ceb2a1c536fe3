/** Element of a list that is known to be there. */
export function at<T>(items: ArrayLike<T>, index: number): T {
  const item = items[index];
  if (item === undefined) throw new RangeError(`no element ${index} of ${items.length}`);
  return item;
}

/** A value that is known not to be null. */
export function present<T>(value: T | null): T {
  if (value === null) throw new Error("a tensor that this model needs is missing");
  return value;
}
