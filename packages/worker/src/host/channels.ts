import { type Tls } from "@gumshoe/core";
import { RpcChannel, TENSOR_WINDOW_BYTES } from "@gumshoe/protocol";

/** Connections to other workers by address, made when first used and kept. */
export class Channels {
  readonly #options: { readonly token: string; readonly tls: Tls };
  readonly #open = new Map<string, RpcChannel>();

  constructor(options: { token: string; tls: Tls }) {
    this.#options = options;
  }

  to(address: string): RpcChannel {
    let channel = this.#open.get(address);
    if (channel === undefined) {
      const role = "worker";
      channel = new RpcChannel(address, {
        ...{ ...this.#options, role, windowBytes: TENSOR_WINDOW_BYTES },
      });
      this.#open.set(address, channel);
    }
    return channel;
  }

  close(): void {
    for (const channel of this.#open.values()) channel.close();
    this.#open.clear();
  }
}
