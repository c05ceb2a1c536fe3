/** A priority queue of variables, most active first; of equal ones the lower number. */
export class VariableHeap {
  readonly #heap: number[] = [];
  /** Place in the heap by variable, -1 when it is not in. */
  readonly #place: number[] = [];
  readonly #activity: number[];

  /** @param activity  by variable; the owner raises it and calls `raised` */
  constructor(activity: number[]) {
    this.#activity = activity;
  }

  get size(): number {
    return this.#heap.length;
  }

  /** Puts a variable in unless it is there. */
  insert(variable: number): void {
    if ((this.#place[variable] ?? -1) >= 0) return;
    this.#place[variable] = this.#heap.length;
    this.#heap.push(variable);
    this.#up(this.#heap.length - 1);
  }

  /** Restores the order after the activity of a variable has risen. */
  raised(variable: number): void {
    const place = this.#place[variable] ?? -1;
    if (place >= 0) this.#up(place);
  }

  /** Takes out the most active variable of a heap that is not empty. */
  pop(): number {
    const top = this.#heap[0] as number;
    const last = this.#heap.pop() as number;
    this.#place[top] = -1;
    if (this.#heap.length > 0) {
      this.#heap[0] = last;
      this.#place[last] = 0;
      this.#down(0);
    }
    return top;
  }

  #before(a: number, b: number): boolean {
    const difference = (this.#activity[a] as number) - (this.#activity[b] as number);
    return difference === 0 ? a < b : difference > 0;
  }

  #up(from: number): void {
    const heap = this.#heap;
    const variable = heap[from] as number;
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as number;
      if (!this.#before(variable, above)) break;
      heap[place] = above;
      this.#place[above] = place;
      place = parent;
    }
    heap[place] = variable;
    this.#place[variable] = place;
  }

  #down(from: number): void {
    const heap = this.#heap;
    const variable = heap[from] as number;
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (
        child + 1 < heap.length &&
        this.#before(heap[child + 1] as number, heap[child] as number)
      ) {
        child++;
      }
      const below = heap[child] as number;
      if (!this.#before(below, variable)) break;
      heap[place] = below;
      this.#place[below] = place;
      place = child;
    }
    heap[place] = variable;
    this.#place[variable] = place;
  }
}
