/** Words of one generation. */
const GENERATION_SIZE = 5000;

/**
 * Caches the tokens of recently used words in two generations. A hit moves a word from the older generation to the
 * newer one; when that is full, the older one is dropped as a whole. The library's own cache deletes single entries
 * once it is full, and a Map with many deleted entries is slow to iterate.
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
