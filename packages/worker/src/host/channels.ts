import { type Clock, systemClock, type Tls } from "@gumshoe/core";
import { RpcChannel } from "@gumshoe/rpc";
import { TENSOR_WINDOW_BYTES } from "@gumshoe/tensors";

/** Time without use after which a connection is closed, in ms: its worker has probably gone. */
const IDLE_MS = 300_000;

/** Connections to other workers by address, opened on first use and closed when no longer used. */
export class Channels {
  readonly #options: { readonly token: string; readonly tls: Tls };
  readonly #clock: Clock;
  readonly #open = new Map<string, { readonly channel: RpcChannel; usedAtMs: number }>();

  constructor(options: { token: string; tls: Tls; clock?: Clock }) {
    const { token, tls, clock } = options;
    this.#options = { token, tls };
    this.#clock = clock ?? systemClock;
  }

  /** Addresses with an open connection. */
  get addresses(): readonly string[] {
    return [...this.#open.keys()];
  }

  to(address: string): RpcChannel {
    const usedAtMs = this.#clock.monotonicMs();
    const known = this.#open.get(address);
    if (known !== undefined) {
      known.usedAtMs = usedAtMs;
      return known.channel;
    }
    this.#closeIdle(usedAtMs);
    const options = { ...this.#options, role: "worker", windowBytes: TENSOR_WINDOW_BYTES } as const;
    const channel = new RpcChannel(address, options);
    this.#open.set(address, { channel, usedAtMs });
    return channel;
  }

  close(): void {
    for (const { channel } of this.#open.values()) channel.close();
    this.#open.clear();
  }

  #closeIdle(nowMs: number): void {
    for (const [address, { channel, usedAtMs }] of this.#open) {
      if (nowMs - usedAtMs < IDLE_MS) continue;
      channel.close();
      this.#open.delete(address);
    }
  }
}
