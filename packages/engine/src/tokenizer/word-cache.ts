/** Words of one generation. */
const GENERATION_SIZE = 5000;

/**
 * Keeps the tokens of the words that were met last. Words that are met again move from the older generation to the
 * newer one; when that is full, the older one is dropped as a whole. So no step goes through what was deleted, as
 * the library's cache does once it is full: a Map that is deleted from and added to again and again.
 */
export class WordCache {
  #newer = new Map<string, string[]>();
  #older = new Map<string, string[]>();

  get(word: string): string[] | undefined {
    const found = this.#newer.get(word);
    if (found !== undefined) return found;
    const old = this.#older.get(word);
    if (old !== undefined) this.put(word, old);
    return old;
  }

  put(word: string, tokens: string[]): void {
    if (this.#newer.size >= GENERATION_SIZE) {
      this.#older = this.#newer;
      this.#newer = new Map();
    }
    this.#newer.set(word, tokens);
  }

  clear(): void {
    this.#newer.clear();
    this.#older.clear();
  }
}
