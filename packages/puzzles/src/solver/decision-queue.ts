/**
 * The order in which a search decides variables: those of recent conflicts first. Every operation
 * takes constant time, which matters for searches with many decisions and few conflicts.
 *
 * @source Biere and Froehlich, "Evaluating CDCL variable scoring schemes", SAT 2015 (VMTF)
 */
export class DecisionQueue {
  /** Linked list of variables, 0 at the ends; `next` leads to the front. */
  readonly #previous: number[] = [0];
  readonly #next: number[] = [0];
  /** Time stamps, increasing towards the front. */
  readonly #stamp: number[] = [0];
  #front = 0;
  #lastGeneration = 0;
  /** All variables between the cursor and the front are assigned. */
  #cursor = 0;

  /** Adds the next variable, 1, 2, 3 ..., at the front. */
  add(variable: number): void {
    this.#previous[variable] = 0;
    this.#next[variable] = 0;
    this.#stamp[variable] = 0;
    this.#toFront(variable);
    this.#cursor = variable;
  }

  /** Moves the variables of a conflict to the front, keeping their relative order. */
  raise(variables: number[]): void {
    variables.sort((a, b) => (this.#stamp[a] as number) - (this.#stamp[b] as number));
    for (const variable of variables) {
      if (this.#front === variable) continue;
      if (this.#cursor === variable) this.#cursor = this.#next[variable] as number;
      this.#unlink(variable);
      this.#toFront(variable);
    }
    // These variables may be unassigned after the conflict.
    this.#cursor = this.#front;
  }

  /** Marks a variable as unassigned. */
  reopen(variable: number): void {
    const isAhead = (this.#stamp[variable] as number) > (this.#stamp[this.#cursor] as number);
    if (isAhead) this.#cursor = variable;
  }

  /** Returns the unassigned variable nearest to the front, 0 for none. */
  pick(isOpen: (variable: number) => boolean): number {
    while (this.#cursor !== 0 && !isOpen(this.#cursor)) {
      const previous = this.#previous[this.#cursor] as number;
      if (previous === 0) return 0;
      this.#cursor = previous;
    }
    return this.#cursor;
  }

  #unlink(variable: number): void {
    const previous = this.#previous[variable] as number;
    const next = this.#next[variable] as number;
    if (previous !== 0) this.#next[previous] = next;
    if (next !== 0) this.#previous[next] = previous;
    else this.#front = previous;
  }

  #toFront(variable: number): void {
    this.#previous[variable] = this.#front;
    this.#next[variable] = 0;
    if (this.#front !== 0) this.#next[this.#front] = variable;
    this.#front = variable;
    this.#stamp[variable] = ++this.#lastGeneration;
  }
}
