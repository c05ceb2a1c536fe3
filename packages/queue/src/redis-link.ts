import {
  type Clock,
  errorMessage,
  handshakeProblem,
  type Logger,
  systemClock,
  tlsName,
} from "@gumshoe/core";
import { Redis, type RedisOptions } from "ioredis";

import {
  RedisKeyError,
  RedisPasswordError,
  RedisRefusedError,
  RedisTlsError,
  RedisUnavailableError,
} from "./errors.js";
import { queuePrefix } from "./job-id.js";
import { findMisusedJob, findMisusedKey, type MisusedKey } from "./key-types.js";
import { awayReply, IS_CLUSTER, isWrongType, refusalReply } from "./redis-reply.js";
import { checkRedisUrl, type RedisTls } from "./redis-url.js";

/** Default time limit of a command, reconnecting included, in ms. */
const COMMAND_TIMEOUT_MS = 5000;
const CONNECT_TIMEOUT_MS = 5000;
/** Delay between two attempts to connect, in ms. */
const RECONNECT_MS = 200;
/** Interval at which a broken connection is logged again, in ms. */
const LOG_EVERY_MS = 5000;

/** Address, credentials and key prefix for Redis. */
export interface RedisLinkOptions {
  /** redis://[:password@]host:port[/database], or rediss:// for TLS. */
  readonly url: string;
  /** TLS for a rediss:// URL; default "system". */
  readonly tls?: RedisTls;
  /** Name of the cluster, the prefix of all keys: clusters can share one Redis. */
  readonly cluster: string;
  /** Time limit of a command while Redis is down, in ms; default 5000. */
  readonly commandTimeoutMs?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/**
 * The connections of one process to Redis. They reconnect automatically; meanwhile commands wait,
 * and fail at their time limit.
 */
export class RedisLink {
  readonly cluster: string;
  /** host:port, without the password. */
  readonly address: string;
  /** For commands that must fail in time instead of waiting without limit. */
  readonly commands: Redis;
  readonly #options: RedisLinkOptions;
  readonly #clients: Redis[] = [];
  #loggedAt = Number.NEGATIVE_INFINITY;

  private constructor(options: RedisLinkOptions, address: string) {
    this.#options = options;
    this.cluster = options.cluster;
    this.address = address;
    this.commands = this.#open({ commandTimeout: options.commandTimeoutMs ?? COMMAND_TIMEOUT_MS });
  }

  /**
   * Connects, waiting for a Redis that is still starting.
   *
   * @param waitMs  how long to wait; Infinity for no limit. The log names the reason for the wait
   * @throws        RedisUnavailableError; RedisPasswordError, RedisTlsError and RedisRefusedError
   *   without waiting; InvalidArgumentError for a bad URL
   */
  static async connect(
    options: RedisLinkOptions & { waitMs?: number; signal?: AbortSignal },
  ): Promise<RedisLink> {
    const clock = options.clock ?? systemClock;
    const address = checkRedisUrl("redisUrl", options.url);
    const giveUpAt = clock.monotonicMs() + (options.waitMs ?? 10_000);
    warnOfPlainText(options, address);
    let loggedAt = clock.monotonicMs();
    for (;;) {
      const problem = await probe(options, address);
      if (problem === null) return new RedisLink(options, address);
      const now = clock.monotonicMs();
      if (now >= giveUpAt) throw new RedisUnavailableError(address, problem);
      if (now - loggedAt >= LOG_EVERY_MS) {
        options.logger?.warn({ redis: address }, `waiting for Redis at ${address}: ${problem}`);
        loggedAt = now;
      }
      await clock.sleep(RECONNECT_MS, options.signal);
    }
  }

  /** Opens a connection whose commands wait without limit while Redis is down: for consumers. */
  openPatient(): Redis {
    return this.#open({});
  }

  /** Registers a listener for each reconnection. */
  onReconnect(listener: () => void): void {
    this.commands.on("ready", listener);
  }

  /**
   * Runs a command.
   *
   * @throws RedisUnavailableError for a broken connection and for a Redis that temporarily cannot
   *   execute commands, RedisKeyError for a key that another program has written, RedisRefusedError
   *   for a command that is not permitted
   */
  async run<T>(command: () => Promise<T>): Promise<T> {
    try {
      return await command();
    } catch (thrown) {
      if (isConnectionProblem(thrown)) {
        throw new RedisUnavailableError(this.address, errorMessage(thrown));
      }
      const away = awayReply(thrown);
      if (away !== null) throw new RedisUnavailableError(this.address, away);
      const refusal = refusalReply(thrown, this.cluster);
      if (refusal !== null) throw new RedisRefusedError(this.address, refusal);
      throw isWrongType(thrown) ? await this.#keyError() : thrown;
    }
  }

  /**
   * Checks that the keys of the queues and of the fence have the expected Redis types.
   *
   * @throws RedisKeyError, RedisUnavailableError
   */
  async checkKeys(): Promise<void> {
    const misused = await this.run(() => findMisusedKey(this.commands, this.cluster));
    if (misused !== null) throw this.#misused(misused);
  }

  async #keyError(): Promise<RedisKeyError> {
    const misused =
      (await findMisusedKey(this.commands, this.cluster)) ??
      (await findMisusedJob(this.commands, this.cluster));
    if (misused !== null) return this.#misused(misused);
    return new RedisKeyError(
      this.address,
      `gumshoe:${this.cluster}:*`,
      "held a wrong kind of value",
    );
  }

  #misused({ key, expected, found }: MisusedKey): RedisKeyError {
    const problem = `holds a ${found} instead of a ${expected}`;
    return new RedisKeyError(this.address, key, problem);
  }

  /** Returns Redis's eviction policy (`maxmemory-policy`); null if it cannot be read. */
  async evictionPolicy(): Promise<string | null> {
    const text = await this.run(() => this.commands.info("memory"));
    return /^maxmemory_policy:(\S+)/m.exec(text)?.[1] ?? null;
  }

  /** Closes all connections. Idempotent. */
  close(): void {
    for (const client of this.#clients) client.disconnect();
  }

  #open(options: RedisOptions): Redis {
    const client = new Redis(this.#options.url, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      // Commands wait for the connection; their own time limit ends the wait.
      maxRetriesPerRequest: null,
      retryStrategy: () => RECONNECT_MS,
      ...tlsOptions(this.#options),
      ...options,
    });
    client.on("error", (error: Error) => this.#log(error));
    this.#clients.push(client);
    return withoutPolicy(client);
  }

  #log(error: Error): void {
    const now = (this.#options.clock ?? systemClock).monotonicMs();
    if (now - this.#loggedAt < LOG_EVERY_MS) return;
    this.#loggedAt = now;
    this.#options.logger?.warn(
      { redis: this.address },
      `Redis is away: ${problemOf(error, this.#options.url)}`,
    );
  }
}

type OnInfo = (error: Error | null, text?: string) => void;

/**
 * Suppresses the bare line that ioredis prints when INFO, which it sends on connecting, is not
 * permitted: {@link probe} sends INFO too, and reports the error.
 */
function withoutRightsError(onReply: OnInfo): OnInfo {
  return (error, text) => {
    if (error?.message.includes("NOPERM") === true) onReply(null, "");
    else onReply(error, text);
  };
}

/**
 * Hides the eviction policy from BullMQ, which would print a bare line about it on stdout per
 * connection;
 * {@link RedisLink.evictionPolicy} reads it for this project's log.
 */
function withoutPolicy(client: Redis): Redis {
  const info = client.info.bind(client) as (...words: unknown[]) => Promise<string>;
  const hiding = async (...words: unknown[]) => {
    const [onReply] = words;
    if (typeof onReply === "function") return info(withoutRightsError(onReply as OnInfo));
    const text = await info(...words);
    return words.length > 0 ? text : text.replace(/^maxmemory_policy:.*$/m, "");
  };
  const duplicate = client.duplicate.bind(client);
  return Object.assign(client, {
    info: hiding,
    duplicate: (override?: Partial<RedisOptions>) => withoutPolicy(duplicate(override)),
  });
}

/** Queries two keys in one script, as the queues do. */
const TRY_RIGHTS = 'return redis.call("EXISTS", KEYS[1], KEYS[2])';

/** Connects once; returns the problem, or null. Throws when waiting would not help. */
async function probe(options: RedisLinkOptions, address: string): Promise<string | null> {
  const client = withoutPolicy(
    new Redis(options.url, {
      ...tlsOptions(options),
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: COMMAND_TIMEOUT_MS,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    }),
  );
  const lastError: Error[] = [];
  client.on("error", (error: Error) => lastError.push(error));
  try {
    await client.connect();
    await client.ping();
    const about = await client.info("server");
    if (/^redis_mode:cluster/m.test(about)) throw new RedisRefusedError(address, IS_CLUSTER);
    const { cluster } = options;
    const keys = [`gumshoe:${cluster}:fence:coordinator`, `${queuePrefix(cluster)}:rollout:meta`];
    await client.eval(TRY_RIGHTS, keys.length, keys);
    // ioredis reports a missing database only by an event, and then uses database 0.
    const [error] = lastError;
    if (error !== undefined) throw error;
    return null;
  } catch (thrown) {
    if (thrown instanceof RedisRefusedError) throw thrown;
    const error = lastError.at(-1) ?? thrown;
    const refusal = refusalReply(error, options.cluster);
    if (refusal !== null) throw new RedisRefusedError(address, refusal);
    const message = errorMessage(error);
    if (message.includes("NOAUTH")) throw new RedisPasswordError(address, "missing");
    if (message.includes("WRONGPASS") || message.includes("without any password configured")) {
      throw new RedisPasswordError(address, "wrong");
    }
    const tlsProblem = handshakeProblem(`${codeOf(error)} ${message}`);
    if (tlsProblem !== null) throw new RedisTlsError(address, tlsProblem);
    return problemOf(error, options.url);
  } finally {
    client.disconnect();
  }
}

function tlsOptions({ url, tls = "system" }: RedisLinkOptions): RedisOptions {
  // ioredis's own defaults are those of the system.
  if (tls === "system" || tls === "off" || !url.startsWith("rediss:")) return {};
  return { tls: { ca: tls.ca, ...tls.identity, servername: tlsName("redis") } };
}

function warnOfPlainText({ url, tls, logger }: RedisLinkOptions, address: string): void {
  const { protocol, hostname } = new URL(url);
  const isNear = hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
  if (protocol === "rediss:" || isNear || tls === "off") return;
  logger?.warn(
    { redis: address },
    `NOT PRIVATE: the connection to Redis at ${address} has no TLS. Anyone who can read the traffic can read its password and ` +
      "take jobs. Use GUMSHOE_REDIS_URL=rediss://..., or set GUMSHOE_REDIS_TLS=off if the network is private.",
  );
}

function problemOf(thrown: unknown, url: string): string {
  const code = codeOf(thrown);
  if (code === "ECONNREFUSED") return "no server answers there";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "the host is unknown";
  const message = errorMessage(thrown);
  const tlsProblem = handshakeProblem(`${code} ${message}`);
  if (tlsProblem !== null) return tlsProblem;
  if (/RESP type|Protocol error/i.test(message)) return "the server there is not Redis";
  if (message === "Command timed out") return "no answer in time";
  if (message === "Connection is closed.")
    return "it closes the connection; perhaps maxclients is reached";
  // Redis gives no reason: it waits for a command in plain text, or closes the connection.
  const isSecure = url.startsWith("rediss:");
  if (code === "ETIMEDOUT" && isSecure) return "no answer in time; does it speak TLS?";
  if (code === "ECONNRESET") {
    return `it closes the connection; perhaps it requires ${isSecure ? "a certificate" : "TLS (rediss://)"}`;
  }
  return message;
}

function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : "";
}

function isConnectionProblem(thrown: unknown): boolean {
  return (
    thrown instanceof Error &&
    (/timed out|Connection is closed|Stream isn't writeable|max retries/i.test(thrown.message) ||
      ("code" in thrown && typeof thrown.code === "string"))
  );
}
