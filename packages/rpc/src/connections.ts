import type { Socket } from "node:net";

import type { Clock, TlsRole } from "@gumshoe/core";

import { MAX_ALL_OPEN_CALLS_AT_ONCE, MAX_OPEN_CALLS_AT_ONCE } from "./limits.js";

/** Time limit of a new connection for its first call, in ms. */
const FIRST_CALL_MS = 10_000;
/** Idle time after which a connection without the token is closed, in ms: probes reuse theirs. */
const STRANGER_IDLE_MS = 60_000;
/** Age at which a connection without the token is closed between calls, in ms. */
const STRANGER_MAX_AGE_MS = 600_000;
/** Most connections without the token; a further one closes the oldest. */
const MAX_STRANGERS = 256;
const SWEEP_EVERY_MS = 1000;
/**
 * Calls per event-loop iteration that a connection without the token may always begin, whatever
 * others do.
 */
const FEW_CALLS = 8;

interface Stranger {
  readonly socket: Socket;
  readonly openedAtMs: number;
  lastCallAtMs: number | null;
  openCalls: number;
  /** Its own calls in the latest event-loop iteration in which it began any. */
  readonly begun: Begun;
}

/** Calls that began in one event-loop iteration. */
interface Begun {
  iteration: number;
  calls: number;
}

/**
 * Tracks a server's open connections: which have presented the token, and the role of their
 * certificate.
 *
 * - A connection is trusted after its first call with the token; trusted connections are not
 *   limited here.
 * - A connection without a call is closed after some seconds; one that only checks health, when it
 *   is idle.
 * - The number of connections without the token is limited, and a new one closes the oldest. A
 *   client with the token presents it at once, so it can still connect during a flood.
 * - The number of calls that a connection without the token may begin at once is limited.
 */
export class Connections {
  readonly #clock: Clock;
  /** Connections without the token, by the caller's host:port, the oldest first. */
  readonly #strangers = new Map<string, Stranger>();
  readonly #roles = new Map<string, TlsRole>();
  readonly #open = new Set<Socket>();
  #timer: NodeJS.Timeout | null = null;
  /** The latest event-loop iteration in which calls without the token began, with their number. */
  #begun = { iteration: 0, calls: 0 };
  #isOver = true;

  constructor(options: { clock: Clock }) {
    this.#clock = options.clock;
  }

  /** Number of connections that have not presented the token. */
  get numStrangers(): number {
    return this.#strangers.size;
  }

  /** Registers a new connection. */
  add(socket: Socket): void {
    const peer = addressOf(socket);
    const openedAtMs = this.#clock.monotonicMs();
    if (this.#strangers.size >= MAX_STRANGERS) this.#endOldest();
    const begun = { iteration: 0, calls: 0 };
    const stranger = { socket, openedAtMs, lastCallAtMs: null, openCalls: 0, begun };
    this.#strangers.set(peer, stranger);
    this.#open.add(socket);
    socket.once("close", () => {
      this.#open.delete(socket);
      if (this.#strangers.get(peer) === stranger) this.#strangers.delete(peer);
      this.#roles.delete(peer);
    });
    this.#timer ??= setInterval(() => this.#sweep(), SWEEP_EVERY_MS).unref();
  }

  /** Records the role of a connection's certificate. */
  setRole(peer: string, role: TlsRole): void {
    this.#roles.set(peer, role);
  }

  /** Returns the role of a connection's certificate; null if none was requested. */
  roleOf(peer: string): TlsRole | null {
    return this.#roles.get(peer) ?? null;
  }

  /**
   * Marks a connection as having presented the token. @returns whether it had not done so before
   */
  trust(peer: string): boolean {
    return this.#strangers.delete(peer);
  }

  /**
   * Registers a call on a connection without the token.
   *
   * @returns whether it may begin: false when this connection, or all such connections together,
   *   begin too many in this event-loop iteration
   */
  mayBegin(peer: string): boolean {
    const own = this.#strangers.get(peer)?.begun;
    if (own === undefined) return true;
    const all = this.#iterationInHand();
    if (own.iteration !== all.iteration) Object.assign(own, { iteration: all.iteration, calls: 0 });
    own.calls += 1;
    all.calls += 1;
    if (own.calls <= FEW_CALLS) return true;
    return own.calls <= MAX_OPEN_CALLS_AT_ONCE && all.calls <= MAX_ALL_OPEN_CALLS_AT_ONCE;
  }

  #iterationInHand(): Begun {
    if (this.#isOver) {
      this.#isOver = false;
      this.#begun = { iteration: this.#begun.iteration + 1, calls: 0 };
      setImmediate(() => (this.#isOver = true));
    }
    return this.#begun;
  }

  /** Records the start of a call without the token; the returned function records its end. */
  beginCall(peer: string): () => void {
    const stranger = this.#strangers.get(peer);
    if (stranger === undefined) return () => undefined;
    stranger.openCalls += 1;
    stranger.lastCallAtMs = this.#clock.monotonicMs();
    return () => {
      stranger.openCalls -= 1;
      stranger.lastCallAtMs = this.#clock.monotonicMs();
    };
  }

  /** Destroys every connection. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
    this.#stopTimer();
  }

  #endOldest(): void {
    const [oldest] = this.#strangers;
    if (oldest === undefined) return;
    const [peer, { socket }] = oldest;
    this.#strangers.delete(peer);
    socket.destroy();
  }

  #sweep(): void {
    const now = this.#clock.monotonicMs();
    for (const [peer, stranger] of this.#strangers) {
      if (!isOver(stranger, now)) continue;
      this.#strangers.delete(peer);
      stranger.socket.destroy();
    }
    if (this.#strangers.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
  }
}

function isOver({ openedAtMs, lastCallAtMs, openCalls }: Stranger, now: number): boolean {
  if (openCalls > 0) return false;
  if (lastCallAtMs === null) return now - openedAtMs > FIRST_CALL_MS;
  return now - lastCallAtMs > STRANGER_IDLE_MS || now - openedAtMs > STRANGER_MAX_AGE_MS;
}

/** Returns host:port of the peer of a connection. */
export function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
