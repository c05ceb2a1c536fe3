import type { CommandList, Dtype, Tensor } from "./device.js";
import { DisposedError, ShapeError } from "./errors.js";
import { type Operation, OPERATION_CODES } from "./native/records.js";

/** A tensor argument with its requirements; null if it is optional and absent. */
export type TensorSpec = readonly [tensor: Tensor | null, dtype: Dtype, minLength: number];

/**
 * Checks the tensors of an operation and appends it.
 *
 * @param tensors  by argument name: the tensor, its dtype, and its least number of elements
 * @param values   the record's arguments in order: a name of `tensors`, or a number
 * @throws         ShapeError, DisposedError that name the argument
 */
export function record(
  list: CommandList,
  operation: Operation,
  tensors: Readonly<Record<string, TensorSpec>>,
  values: readonly (string | number)[],
): void {
  const used: Tensor[] = [];
  for (const name in tensors) {
    const [tensor, dtype, minLength] = tensors[name] as TensorSpec;
    if (tensor === null) continue;
    check(list, operation, name, { tensor, dtype, minLength });
    used.push(tensor);
  }
  const numbers: number[] = [];
  for (const value of values) {
    const number = typeof value === "number" ? value : (tensors[value]?.[0]?.address ?? 0);
    if (Number.isNaN(number)) {
      throw new ShapeError(operation, `argument ${numbers.length}`, "is not a number");
    }
    numbers.push(number);
  }
  list.append(OPERATION_CODES[operation], numbers, used);
}

function check(
  list: CommandList,
  operation: string,
  name: string,
  { tensor, dtype, minLength }: { tensor: Tensor; dtype: Dtype; minLength: number },
): void {
  if (tensor.device !== list.device) {
    throw new ShapeError(operation, name, "belongs to another device");
  }
  if (tensor.dtype !== dtype) {
    throw new ShapeError(operation, name, `is ${tensor.dtype}, expected ${dtype}`);
  }
  if (!tensor.isAlive) throw new DisposedError(`${name} of ${operation}`);
  if (!Number.isSafeInteger(minLength) || minLength < 0) {
    throw new ShapeError(operation, name, `cannot have ${minLength} elements`);
  }
  if (tensor.length < minLength) {
    throw new ShapeError(operation, name, `has ${tensor.length} elements, expected ${minLength}`);
  }
}
