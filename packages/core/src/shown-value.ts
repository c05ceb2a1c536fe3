/** Characters of a value that an error shows. */
const MAX_SHOWN = 80;

/**
 * Writes a value of a foreign file or reply as an error shows it: as JSON, cut where it is long. No more of it is
 * looked at than is shown, however large it is and however deep it is nested.
 */
export function shownValue(value: unknown, maxCharacters = MAX_SHOWN): string {
  const shown = new Beginning(maxCharacters);
  shown.write(value);
  return shown.text;
}

/** The beginning of a JSON text. */
class Beginning {
  readonly #maxCharacters: number;
  #text = "";

  constructor(maxCharacters: number) {
    this.#maxCharacters = maxCharacters;
  }

  get text(): string {
    if (!this.#isFull) return this.#text;
    return `${this.#text.slice(0, this.#maxCharacters)}...`;
  }

  get #isFull(): boolean {
    return this.#text.length > this.#maxCharacters;
  }

  /** Each level writes a bracket: the depth is at most the number of characters. */
  write(value: unknown): void {
    if (Array.isArray(value)) this.#writeList(value as unknown[]);
    else if (typeof value === "object" && value !== null && !hasOwnJson(value)) {
      this.#writeObject(value as Readonly<Record<string, unknown>>);
    } else this.#text += this.#plain(value);
  }

  #writeList(items: readonly unknown[]): void {
    this.#text += "[";
    for (const [i, item] of items.entries()) {
      if (this.#isFull) return;
      if (i > 0) this.#text += ",";
      this.write(isLeftOut(item) ? null : item);
    }
    this.#text += "]";
  }

  #writeObject(fields: Readonly<Record<string, unknown>>): void {
    this.#text += "{";
    let separator = "";
    for (const name of Object.keys(fields)) {
      if (this.#isFull) return;
      if (isLeftOut(fields[name])) continue;
      this.#text += `${separator}${this.#plain(name)}:`;
      this.write(fields[name]);
      separator = ",";
    }
    this.#text += "}";
  }

  /** One character more than is shown says that there is more. */
  #plain(value: unknown): string {
    const text = typeof value === "string" ? value.slice(0, this.#maxCharacters + 1) : value;
    return typeof text === "bigint" ? String(text) : (JSON.stringify(text) ?? "undefined");
  }
}

function hasOwnJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

/** What JSON has no form for is no field of an object, and null in a list. */
function isLeftOut(value: unknown): boolean {
  return value === undefined || typeof value === "function" || typeof value === "symbol";
}
