import type { CommandList, Device, Tensor } from "./device.js";
import { OutOfMemoryError, OutOfRangeIdError } from "./errors.js";
import { OPERATIONS, STATUS } from "./native/records.js";

/** The parts of its device that a list needs. */
export interface Runner {
  /**
   * Runs the first `length` numbers of the records.
   *
   * @param isRepeated  whether they are those of the run before
   * @returns           0, or a status and the start of the record that failed
   */
  run(records: Float64Array, length: number, isRepeated: boolean): 0 | [status: number, at: number];
  /** How often memory was freed so far. */
  numFrees(): number;
  /** @throws DisposedError */
  checkAlive(tensors: readonly Tensor[]): void;
}

/**
 * Records operations as float64 numbers and passes them to its device in one call.
 *
 * Records hold addresses. So if memory was freed since the last run, a run first checks that it was none of this
 * list's tensors.
 */
export class RecordedCommandList implements CommandList {
  readonly device: Device;
  readonly #runner: Runner;
  #records = new Float64Array(1024);
  #length = 0;
  readonly #tensors: Tensor[] = [];
  #numFreesSeen: number;
  /** Whether the records have run as they are. */
  #hasRun = false;

  constructor(device: Device, runner: Runner) {
    this.device = device;
    this.#runner = runner;
    this.#numFreesSeen = runner.numFrees();
  }

  get length(): number {
    return this.#length;
  }

  append(code: number, values: readonly number[], tensors: readonly Tensor[]): void {
    this.#hasRun = false;
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
    for (const tensor of tensors) this.#tensors.push(tensor);
  }

  run(): void {
    const numFrees = this.#runner.numFrees();
    if (numFrees !== this.#numFreesSeen) this.#runner.checkAlive(this.#tensors);
    this.#numFreesSeen = numFrees;
    const isRepeated = this.#hasRun;
    this.#hasRun = true;
    const result = this.#runner.run(this.#records, this.#length, isRepeated);
    if (result === 0) return;
    const [status, at] = result;
    const operation = OPERATIONS[this.#records[at] ?? -1] ?? "unknown operation";
    if (status === STATUS.badId) throw new OutOfRangeIdError(operation);
    if (status === STATUS.outOfMemory) throw new OutOfMemoryError(`scratch of ${operation}`, null);
    if (status === STATUS.failed) throw new Error(`${operation}: a kernel threw an exception`);
    throw new Error(`${operation}: malformed record, status ${status}`);
  }

  reset(): void {
    this.#hasRun = false;
    this.#length = 0;
    this.#tensors.length = 0;
  }
}
