/**
 * The order in which a search decides on variables: those of recent conflicts first. Every step takes
 * constant time, which matters where a search makes many decisions and meets few conflicts.
 *
 * @source Biere and Froehlich, "Evaluating CDCL variable scoring schemes", SAT 2015 (VMTF)
 */
export class DecisionQueue {
  /** Neighbours in the queue by variable, 0 where it ends; the front is the end of `next`. */
  readonly #previous: number[] = [0];
  readonly #next: number[] = [0];
  /** Grows towards the front. */
  readonly #stamp: number[] = [0];
  #front = 0;
  #lastGeneration = 0;
  /** All variables nearer to the front are assigned. */
  #cursor = 0;

  /** Puts the next variable, 1, 2, 3 ..., to the front. */
  add(variable: number): void {
    this.#previous[variable] = 0;
    this.#next[variable] = 0;
    this.#stamp[variable] = 0;
    this.#toFront(variable);
    this.#cursor = variable;
  }

  /** Moves variables that took part in a conflict to the front; their order among each other stays. */
  raise(variables: number[]): void {
    variables.sort((a, b) => (this.#stamp[a] as number) - (this.#stamp[b] as number));
    for (const variable of variables) {
      if (this.#front === variable) continue;
      if (this.#cursor === variable) this.#cursor = this.#next[variable] as number;
      this.#unlink(variable);
      this.#toFront(variable);
    }
    // They may be open again after the conflict.
    this.#cursor = this.#front;
  }

  /** Says that a variable is open again. */
  reopen(variable: number): void {
    const isAhead = (this.#stamp[variable] as number) > (this.#stamp[this.#cursor] as number);
    if (isAhead) this.#cursor = variable;
  }

  /** Finds the open variable nearest to the front, 0 when there is none. */
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
