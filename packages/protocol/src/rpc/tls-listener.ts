import { type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";

import { type ClusterError, InvalidArgumentError, type TlsFiles } from "@gumshoe/core";

import { certificateProblem, handshakeProblem } from "./tls.js";

/** Time that a handshake may take, in ms. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Takes TLS connections for a gRPC server.
 *
 * A caller whose certificate does not do is let in as far as its first call: so that it hears why it is
 * refused, which a broken handshake would not tell.
 */
export class TlsListener {
  readonly #server: Server;
  /** Why callers are refused, by host:port. */
  readonly #problems = new Map<string, ClusterError>();
  /** Callers whose handshake is not done. */
  readonly #shaking = new Set<string>();

  /**
   * @param options.inject    takes a connection whose handshake is done
   * @param options.onFailed  told of handshakes that failed, and of certificates that do not do: their
   *                          owner may hang up before its first call
   */
  constructor(options: {
    tls: TlsFiles;
    inject: (socket: TLSSocket) => void;
    onFailed: (peer: string, problem: string) => void;
  }) {
    const { ca, identity, clients, folder } = options.tls;
    if (identity === null) {
      throw new InvalidArgumentError("GUMSHOE_TLS", `there is no cert.pem in ${folder}`, {
        suggestion: "who is called needs a certificate: gumshoe certs makes one for each role",
      });
    }
    const asked = clients === "certificate";
    this.#server = createServer(
      {
        ...{ ca, ...identity, requestCert: asked, rejectUnauthorized: false },
        ...{ ALPNProtocols: ["h2"], noDelay: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
      },
      (socket) => {
        const peer = addressOf(socket);
        this.#shaking.delete(peer);
        const problem = asked ? certificateProblem(socket) : null;
        if (problem !== null) {
          this.#problems.set(peer, problem);
          if (socket.getPeerX509Certificate() !== undefined)
            options.onFailed(peer, problem.message);
          socket.on("close", () => this.#problems.delete(peer));
        }
        // Its end is seen by those who use it; an unheard "error" would end the process.
        socket.on("error", () => undefined);
        options.inject(socket);
      },
    );
    this.#server.on("connection", (socket: Socket) => {
      const peer = addressOf(socket);
      this.#shaking.add(peer);
      socket.on("close", () => {
        // Who only looks whether the port is open says nothing, and is no news.
        const hungUp = this.#shaking.delete(peer) && socket.bytesRead > 0;
        if (hungUp) options.onFailed(peer, "it hung up on us: it may not trust our certificate");
      });
    });
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const peer = addressOf(socket);
      if (error.code === "ECONNRESET" || !this.#shaking.delete(peer)) return;
      options.onFailed(peer, handshakeProblem(error.message) ?? error.message);
    });
  }

  /** Says why the caller of this address is refused, or null if it is not. */
  problemOf(peer: string): ClusterError | null {
    return this.#problems.get(peer) ?? null;
  }

  /** @returns the port that is served */
  async listen(host: string, port: number): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    const bound = this.#server.address();
    return typeof bound === "object" && bound !== null ? bound.port : port;
  }

  /** Takes no new connections. */
  close(): void {
    this.#server.close();
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
