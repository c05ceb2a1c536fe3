import { RpcChannel, TENSOR_WINDOW_BYTES } from "@gumshoe/protocol";

/** Connections to other workers by address, made when first used and kept. */
export class Channels {
  readonly #token: string;
  readonly #open = new Map<string, RpcChannel>();

  constructor(token: string) {
    this.#token = token;
  }

  to(address: string): RpcChannel {
    let channel = this.#open.get(address);
    if (channel === undefined) {
      channel = new RpcChannel(address, { token: this.#token, windowBytes: TENSOR_WINDOW_BYTES });
      this.#open.set(address, channel);
    }
    return channel;
  }

  close(): void {
    for (const channel of this.#open.values()) channel.close();
    this.#open.clear();
  }
}
