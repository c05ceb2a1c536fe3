/** One lock per name: work under the same name runs one at a time, in the order of the calls. */
export class NameLocks {
  readonly #last = new Map<string, Promise<unknown>>();

  /** Runs `work` after all earlier work under that name has settled. */
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
