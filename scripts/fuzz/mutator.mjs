/** Makes inputs for a parser: random ones, ones of its own words, and valid ones with a few changes. */
import { PIECES, VALUES } from "./pieces.mjs";

const MAX_RANDOM_BYTES = 600;
const MAX_CHANGES = 8;
/** Length of a long repetition, in characters. */
const LONG = 40_000;
/** One text in so many is a long repetition. */
const LONG_EVERY = 150;
/** One JSON text in so many has a value that is nested deeper than a stack is. */
const DEEP_EVERY = 200;
const DEPTH = 20_000;

export class Mutator {
  /**
   * @param random  of type Random
   * @param words   of the language that is parsed
   */
  constructor(random, words = []) {
    this.random = random;
    this.words = [...PIECES, ...words];
  }

  one(list) {
    return list[this.random.below(list.length)];
  }

  chance(share) {
    return this.random.next() < share;
  }

  bytes(most = MAX_RANDOM_BYTES) {
    return Buffer.from(
      Array.from({ length: this.random.below(most) }, () => this.random.below(256)),
    );
  }

  /** Words of the language in any order. */
  someWords(most = 60) {
    const count = this.random.below(most) + 1;
    return Array.from({ length: count }, () => this.one(this.words)).join(
      this.chance(0.3) ? " " : "",
    );
  }

  /** One piece, or two in turn, again and again: what takes quadratic time shows here. */
  repetition() {
    const piece = this.one(this.words) + (this.chance(0.5) ? this.one(this.words) : "");
    return this.someWords(3) + piece.repeat(Math.ceil(LONG / piece.length)) + this.someWords(3);
  }

  /** A random text, one of the language's words, or a valid one with a few changes. */
  text(valid) {
    const kind = this.random.below(10);
    if (this.random.below(LONG_EVERY) === 0) return this.repetition();
    if (kind === 0) return this.bytes().toString(this.chance(0.5) ? "latin1" : "utf8");
    if (kind <= 2 || valid.length === 0) return this.someWords();
    return this.changedText(this.one(valid), valid);
  }

  /** @param others  texts of which parts are put in */
  changedText(valid, others = [valid]) {
    let text = valid;
    const changes = this.random.below(MAX_CHANGES) + 1;
    for (let i = 0; i < changes; i++) text = this.#withChange(text, others);
    return text;
  }

  #withChange(text, others) {
    const at = this.random.below(text.length + 1);
    const end = Math.min(text.length, at + this.random.below(this.chance(0.1) ? 400 : 12));
    const head = text.slice(0, at);
    switch (this.random.below(7)) {
      case 0:
        return head + this.one(this.words) + text.slice(at);
      case 1:
        return head + this.one(this.words) + text.slice(end);
      case 2:
        return head + text.slice(end);
      case 3:
        return head + text.slice(at, end).repeat(2 + this.random.below(3)) + text.slice(end);
      case 4:
        return head + String.fromCharCode(this.random.below(0x10000)) + text.slice(at + 1);
      case 5: {
        const other = this.one(others);
        const from = this.random.below(other.length + 1);
        return head + other.slice(from, from + 80) + text.slice(end);
      }
      default:
        return this.chance(0.2) ? head : text.slice(at);
    }
  }

  changedBytes(valid) {
    let bytes = Buffer.from(valid);
    const changes = this.random.below(MAX_CHANGES) + 1;
    for (let i = 0; i < changes; i++) {
      const at = this.random.below(bytes.length + 1);
      const head = bytes.subarray(0, at);
      const kind = this.random.below(4);
      if (kind === 0) bytes = Buffer.concat([head, this.bytes(9), bytes.subarray(at)]);
      else if (kind === 1) {
        bytes = Buffer.concat([head, bytes.subarray(at + this.random.below(20))]);
      } else if (at < bytes.length) {
        const bit = 1 << this.random.below(8);
        bytes[at] =
          kind === 2 ? bytes[at] ^ bit : this.one([0, 0x7f, 0x80, 0xff, this.random.below(256)]);
      }
    }
    return bytes;
  }

  /** Returns a copy of a JSON value with a few of its parts changed. */
  changedValue(valid) {
    let value = structuredClone(valid);
    const changes = this.random.below(4) + 1;
    for (let i = 0; i < changes; i++) value = this.#withPart(value);
    return value;
  }

  /** JSON of a valid value with changes in its structure, and sometimes in its text, too. */
  json(valid) {
    const text = JSON.stringify(this.changedValue(this.one(valid)));
    if (this.random.below(DEEP_EVERY) === 0) return this.#deepened(text);
    return this.chance(0.1) ? this.changedText(text) : text;
  }

  /** Puts lists inside of lists, or objects inside of objects, in the place of one value. */
  #deepened(text) {
    const values = [...text.matchAll(/(?<=[:,[])(?:"(?:[^"\\]|\\.)*"|[^"[\]{},:]+)(?=[,\]}])/g)];
    if (values.length === 0) return "[".repeat(DEPTH) + "]".repeat(DEPTH);
    const { 0: value, index } = this.one(values);
    const [head, tail] = this.chance(0.5) ? ["[", "]"] : ['{"a":', "}"];
    const deep = `${head.repeat(DEPTH)}1${tail.repeat(DEPTH)}`;
    return text.slice(0, index) + deep + text.slice(index + value.length);
  }

  /** Changes one part of a value in place, or returns another one. */
  #withPart(value) {
    const isPlain = typeof value !== "object" || value === null || value instanceof Uint8Array;
    if (isPlain || this.chance(0.1)) return this.#other(value);
    const keys = Object.keys(value);
    if (keys.length === 0) return this.#other(value);
    const key = this.one(keys);
    switch (this.random.below(8)) {
      case 0:
        if (Array.isArray(value)) value.splice(Number(key), 1);
        else delete value[key];
        return value;
      case 1: {
        const added = Array.isArray(value) ? value.length : this.one(this.words);
        return put(value, added, structuredClone(this.one(VALUES)));
      }
      case 2:
        return put(value, key, structuredClone(value[this.one(keys)]));
      default:
        return put(value, key, this.#withPart(value[key]));
    }
  }

  #other(value) {
    if (typeof value === "string" && this.chance(0.6)) return this.changedText(value);
    if (typeof value === "number" && this.chance(0.4)) {
      return this.one([-value, value * 1e6, value + 1]);
    }
    if (value instanceof Uint8Array && this.chance(0.8)) return this.changedBytes(value);
    return structuredClone(this.one(VALUES));
  }
}

/** Sets a field as JSON.parse does: the key `__proto__` is a field like others. */
function put(object, key, value) {
  return Object.defineProperty(object, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}
