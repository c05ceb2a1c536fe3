/** One lock per name: what is run under a name runs alone, in the order of the calls. */
export class NameLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` once everything before it under that name has ended, however it ended. */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#last.get(name) ?? Promise.resolve()).then(work);
    const settled = result.catch(() => undefined);
    this.#last.set(name, settled);
    try {
      return await result;
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name);
    }
  }
}
