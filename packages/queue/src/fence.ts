import { randomUUID } from "node:crypto";

import {
  type Clock,
  errorMessage,
  hasEnded,
  type Logger,
  ownIdentity,
  type ProcessIdentity,
  systemClock,
} from "@gumshoe/core";

import { FenceHeldError, RedisUnavailableError } from "./errors.js";
import type { RedisLink } from "./redis-link.js";

/** Time without renewal, in ms, after which another process can acquire the fence. */
const TTL_MS = 4000;
const RENEW_MS = 1000;
/** Interval at which a waiting process tries again, in ms. */
const ASK_EVERY_MS = 250;
/** Interval at which the same problem of Redis is logged again, in ms. */
const LOG_EVERY_MS = 5000;

/**
 * Renews the key if it is ours, or sets it if it is missing (Redis lost its data): returns 1, else
 * 0.
 */
const RENEW = `
local held = redis.call("GET", KEYS[1])
if held == ARGV[1] or held == false then
  redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
  return 1
end
return 0`;

/** Takes the key over from the given holder: returns 1, or 0 when another one holds it by now. */
const TAKE_OVER = `
if redis.call("GET", KEYS[1]) ~= ARGV[2] then return 0 end
redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[3])
return 1`;

const RELEASE = `
if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end
return 0`;

/** Options of a fence. */
export interface FenceOptions {
  readonly redis: RedisLink;
  /** Name of the fence, e.g. `coordinator`. */
  readonly name: string;
  /**
   * Description of this process, for processes that are rejected: `coordinator on host a, pid 12`.
   */
  readonly holder: string;
  /**
   * How long to wait for the present holder, in ms, which may be dead: without renewal its fence
   * expires after 4 s. That of a process of this machine that has ended is taken over at once.
   */
  readonly waitMs?: number;
  /** Called once, when another process holds the fence: this one must stop writing at once. */
  readonly onLost: () => void;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** What the key in Redis holds, as JSON. */
interface FenceValue {
  readonly holder: string;
  readonly id: string;
  readonly process: ProcessIdentity;
}

/**
 * A lease that at most one process of a cluster holds.
 *
 * - While Redis is down no process can acquire it, and {@link isFresh} turns false when the lease
 *   would have expired: a holder must not write until it is true again.
 * - When Redis restarts empty, the first process to ask acquires it; the loser's `onLost` is
 *   called.
 */
export class Fence {
  readonly #options: FenceOptions;
  readonly #clock: Clock;
  readonly #key: string;
  readonly #value: string;
  readonly #stop = new AbortController();
  #renewedAtMs = 0;
  #problem: string | null = null;
  #logged = { message: "", atMs: Number.NEGATIVE_INFINITY };

  private constructor(options: FenceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#key = `gumshoe:${options.redis.cluster}:fence:${options.name}`;
    const value: FenceValue = { holder: options.holder, id: randomUUID(), process: ownIdentity() };
    this.#value = JSON.stringify(value);
  }

  /**
   * Acquires the fence.
   *
   * @throws  FenceHeldError when another process holds it for longer than `waitMs`
   */
  static async acquire(options: FenceOptions): Promise<Fence> {
    const fence = new Fence(options);
    await fence.#take(options.waitMs ?? TTL_MS + RENEW_MS);
    void fence.#renew();
    return fence;
  }

  /** Whether this process certainly held the fence a moment ago. */
  get isFresh(): boolean {
    return !this.#stop.signal.aborted && this.#clock.monotonicMs() - this.#renewedAtMs < TTL_MS;
  }

  /**
   * Why the fence cannot be confirmed: Redis's error, or that it did not respond; null when it is
   * confirmed.
   */
  get problem(): string | null {
    return this.isFresh ? null : (this.#problem ?? "no answer in time");
  }

  /** Releases the fence, so that the next process need not wait. Idempotent. */
  async release(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort(new Error("released"));
    const { redis } = this.#options;
    // If Redis does not respond, the lease expires.
    await redis.run(() => redis.commands.eval(RELEASE, 1, this.#key, this.#value)).catch(() => 0);
  }

  async #take(waitMs: number): Promise<void> {
    let giveUpAt = this.#clock.monotonicMs() + waitMs;
    for (;;) {
      const askedAt = this.#clock.monotonicMs();
      const answer = await this.#askPatiently();
      if (answer === "ours") {
        this.#renewedAtMs = askedAt;
        return;
      }
      // While Redis is down, the holder cannot renew the fence either.
      if (answer === "away") giveUpAt = this.#clock.monotonicMs() + waitMs;
      if (askedAt >= giveUpAt) {
        throw new FenceHeldError(this.#options.name, await this.#holder());
      }
      await this.#clock.sleep(ASK_EVERY_MS);
    }
  }

  async #renew(): Promise<void> {
    for (;;) {
      try {
        await this.#clock.sleep(RENEW_MS, this.#stop.signal);
      } catch {
        return;
      }
      const askedAt = this.#clock.monotonicMs();
      try {
        if (!(await this.#ask())) {
          this.#lose();
          return;
        }
        this.#renewedAtMs = askedAt;
        this.#problem = null;
      } catch (thrown) {
        this.#problem = reasonOf(thrown);
        if (!(thrown instanceof RedisUnavailableError)) {
          this.#options.logger?.error({ err: thrown }, "cannot renew the fence");
        }
      }
    }
  }

  #lose(): void {
    this.#stop.abort(new Error("lost"));
    this.#options.logger?.error({ fence: this.#options.name }, "another process took the fence");
    this.#options.onLost();
  }

  async #ask(): Promise<boolean> {
    const { redis } = this.#options;
    const reply = await redis.run(() =>
      redis.commands.eval(RENEW, 1, this.#key, this.#value, TTL_MS),
    );
    return reply === 1;
  }

  /** Asks once; an unavailable Redis is logged, and returned as a result. */
  async #askPatiently(): Promise<"ours" | "held" | "away"> {
    try {
      return (await this.#ask()) || (await this.#takeOver()) ? "ours" : "held";
    } catch (thrown) {
      if (!(thrown instanceof RedisUnavailableError)) throw thrown;
      this.#logWait(thrown.message);
      return "away";
    }
  }

  #logWait(message: string): void {
    const nowMs = this.#clock.monotonicMs();
    const isSame = message === this.#logged.message && nowMs - this.#logged.atMs < LOG_EVERY_MS;
    if (isSame) return;
    this.#logged = { message, atMs: nowMs };
    this.#options.logger?.warn(`waiting for Redis: ${message}`);
  }

  /** Takes the fence from a holder whose process has ended; returns whether it did. */
  async #takeOver(): Promise<boolean> {
    const { redis, logger, name } = this.#options;
    const text = await this.#read();
    const { process, holder } = parseValue(text);
    if (process === undefined || !hasEnded(process)) return false;
    const reply = await redis.run(() =>
      redis.commands.eval(TAKE_OVER, 1, this.#key, this.#value, text, TTL_MS),
    );
    if (reply === 1) logger?.info({ fence: name, holder }, "the holder has ended: taken over");
    return reply === 1;
  }

  async #holder(): Promise<string> {
    return parseValue(await this.#read()).holder ?? "another process";
  }

  async #read(): Promise<string> {
    const { redis } = this.#options;
    return (await redis.run(() => redis.commands.get(this.#key))) ?? "";
  }
}

/** Parses what the key holds: nothing of a value that another version, or a person, has written. */
function parseValue(text: string): Partial<FenceValue> {
  try {
    return (JSON.parse(text) as Partial<FenceValue> | null) ?? {};
  } catch {
    return {};
  }
}

function reasonOf(thrown: unknown): string {
  const reason = thrown instanceof RedisUnavailableError ? thrown.details["reason"] : null;
  return typeof reason === "string" ? reason : errorMessage(thrown);
}
