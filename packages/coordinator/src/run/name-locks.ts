/** Does one thing at a time under each name, in the order of the calls. */
export class NameLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Does `work` once everything before it under that name has ended, however it ended. */
  async take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => undefined);
    this.#last.set(name, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}
