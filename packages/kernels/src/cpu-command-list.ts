import { type CommandList, type Device } from "./device.js";
import { OutOfMemoryError, OutOfRangeIdError } from "./errors.js";
import { OPERATIONS, STATUS } from "./native/records.js";

type Run = (records: Float64Array, length: number) => 0 | [status: number, at: number];

/** Records operations as float64 numbers and hands them to native code in one call. */
export class CpuCommandList implements CommandList {
  readonly device: Device;
  readonly #run: Run;
  #records = new Float64Array(1024);
  #length = 0;

  constructor(device: Device, run: Run) {
    this.device = device;
    this.#run = run;
  }

  get length(): number {
    return this.#length;
  }

  append(_operation: string, code: number, values: readonly number[]): void {
    const end = this.#length + 2 + values.length;
    if (end > this.#records.length) {
      const larger = new Float64Array(2 * end);
      larger.set(this.#records);
      this.#records = larger;
    }
    this.#records[this.#length] = code;
    this.#records[this.#length + 1] = values.length;
    this.#records.set(values, this.#length + 2);
    this.#length = end;
  }

  run(): void {
    const result = this.#run(this.#records, this.#length);
    if (result === 0) return;
    const [status, at] = result;
    const operation = OPERATIONS[this.#records[at] ?? -1] ?? "unknown operation";
    if (status === STATUS.badId) throw new OutOfRangeIdError(operation);
    if (status === STATUS.outOfMemory) throw new OutOfMemoryError(`scratch of ${operation}`, null);
    throw new Error(`${operation}: malformed record, status ${status}`);
  }

  reset(): void {
    this.#length = 0;
  }
}
