/**
 * Login sessions of browsers.
 *
 * - A session is a cookie that names its end and is signed with a key derived from the token: it outlives the
 *   process, and ends with a new token.
 * - A one-time code logs in once, within an hour, in this process.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";

import type { Clock } from "@gumshoe/core";

/** Time after which a browser must log in again, in ms. */
const SESSION_MS = 7 * 24 * 3_600_000;
/** Time within which a code must be used, in ms. */
export const CODE_MS = 3_600_000;
/** Codes that are remembered; the oldest is forgotten. */
const MAX_CODES = 100;
const NONCE_BYTES = 12;
const CODE_BYTES = 24;
/** Characters of the cookie's name that tell clusters on one host apart: cookies know no ports. */
const NAME_CHARACTERS = 8;

/** The sessions of browsers. */
export class Sessions {
  readonly #clock: Clock;
  readonly #token: string;
  readonly #key: Buffer;
  readonly #isSecure: boolean;
  readonly cookieName: string;
  /** Ends of the codes, on the monotonic clock, by the code's hash. */
  readonly #codes = new Map<string, number>();

  constructor(options: { token: string; clock: Clock; isSecure: boolean }) {
    this.#clock = options.clock;
    this.#token = options.token;
    this.#isSecure = options.isSecure;
    this.#key = createHmac("sha256", options.token).update("gumshoe session key").digest();
    const name = createHmac("sha256", options.token).update("gumshoe cookie name").digest("hex");
    this.cookieName = `gumshoe-${name.slice(0, NAME_CHARACTERS)}`;
  }

  /** Makes a code that logs in once. */
  makeCode(): string {
    const code = randomBytes(CODE_BYTES).toString("base64url");
    this.#codes.set(hash(code), this.#clock.monotonicMs() + CODE_MS);
    const [oldest] = this.#codes.keys();
    if (this.#codes.size > MAX_CODES && oldest !== undefined) this.#codes.delete(oldest);
    return code;
  }

  /** Uses a code up; returns whether it was good. */
  redeem(code: string): boolean {
    const key = hash(code);
    const endsAtMs = this.#codes.get(key);
    this.#codes.delete(key);
    return endsAtMs !== undefined && this.#clock.monotonicMs() <= endsAtMs;
  }

  /** Returns whether a text is the token, in constant time. */
  isToken(text: string): boolean {
    return equal(Buffer.from(hash(text)), Buffer.from(hash(this.#token)));
  }

  /** Returns the header `set-cookie` of a new session. */
  newCookie(): string {
    const end = String(this.#clock.now() + SESSION_MS);
    const body = `${end}.${randomBytes(NONCE_BYTES).toString("base64url")}`;
    return this.#cookie(`${body}.${this.#sign(body)}`, SESSION_MS / 1000);
  }

  /** Returns the header `set-cookie` that ends a session in the browser. */
  endCookie(): string {
    return this.#cookie("", 0);
  }

  /** Returns whether the header `cookie` holds a session that has not ended. */
  isOpen(header: string | undefined): boolean {
    if (header === undefined) return false;
    const prefix = `${this.cookieName}=`;
    return header
      .split(";")
      .map((part) => part.trim())
      .some((part) => part.startsWith(prefix) && this.#isValid(part.slice(prefix.length)));
  }

  #isValid(value: string): boolean {
    const [end = "", nonce = "", signature = ""] = value.split(".");
    const wanted = this.#sign(`${end}.${nonce}`);
    if (!equal(Buffer.from(signature), Buffer.from(wanted))) return false;
    return Number(end) >= this.#clock.now();
  }

  #sign(body: string): string {
    return createHmac("sha256", this.#key).update(body).digest("base64url");
  }

  #cookie(value: string, maxAgeSeconds: number): string {
    const secure = this.#isSecure ? "; Secure" : "";
    const rules = `Path=/; HttpOnly; SameSite=Strict; Max-Age=${maxAgeSeconds}${secure}`;
    return `${this.cookieName}=${value}; ${rules}`;
  }
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
