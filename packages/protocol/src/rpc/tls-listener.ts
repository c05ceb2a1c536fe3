import { constants } from "node:crypto";
import { type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";

import { InvalidArgumentError, type TlsFiles } from "@gumshoe/core";

import { certificateProblem, handshakeProblem } from "./tls.js";
import { turnAway } from "./turn-away.js";

/** Time that a handshake may take, in ms. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Takes TLS connections for a gRPC server.
 *
 * - A caller whose certificate does not do is told why at its first call, which a broken handshake would
 *   not do; its connection is never handed on.
 * - Every connection shows its certificate anew: Node.js takes whoever resumes a session of TLS 1.3 as
 *   authorized, with a certificate or without, and so would let in who was refused before.
 */
export class TlsListener {
  readonly #server: Server;
  readonly #inject: (socket: TLSSocket) => void;
  readonly #onRefused: (peer: string, problem: string) => void;
  /** Callers whose handshake is not done. */
  readonly #shaking = new Set<string>();

  /**
   * @param options.inject     takes a connection whose caller may be served
   * @param options.onRefused  told of handshakes that failed, and of certificates that do not do
   */
  constructor(options: {
    tls: TlsFiles;
    inject: (socket: TLSSocket) => void;
    onRefused: (peer: string, problem: string) => void;
  }) {
    const { ca, identity, clients, folder } = options.tls;
    if (identity === null) {
      throw new InvalidArgumentError("GUMSHOE_TLS", `there is no cert.pem in ${folder}`, {
        suggestion: "who is called needs a certificate: gumshoe certs makes one for each role",
      });
    }
    this.#inject = options.inject;
    this.#onRefused = options.onRefused;
    const isAsked = clients === "certificate";
    this.#server = createServer(
      {
        ...{ ca, ...identity, requestCert: isAsked, rejectUnauthorized: false },
        ...{ ALPNProtocols: ["h2"], noDelay: true, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
        secureOptions: constants.SSL_OP_NO_TICKET,
      },
      (socket) => this.#take(socket, isAsked),
    );
    this.#server.on("connection", (socket: Socket) => this.#watch(socket));
    this.#server.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      const peer = addressOf(socket);
      if (error.code === "ECONNRESET" || !this.#shaking.delete(peer)) return;
      this.#onRefused(peer, handshakeProblem(error.message) ?? error.message);
    });
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

  #take(socket: TLSSocket, isAsked: boolean): void {
    const peer = addressOf(socket);
    this.#shaking.delete(peer);
    // Its end is seen by those who use it; an unheard "error" would end the process.
    socket.on("error", () => undefined);
    const problem = isAsked ? certificateProblem(socket) : null;
    if (problem === null) {
      this.#inject(socket);
      return;
    }
    const tell = () => this.#onRefused(peer, problem.message);
    // Who shows one may hang up before its first call; who shows none may only look whether we live.
    if (socket.getPeerX509Certificate() !== undefined) tell();
    turnAway(socket, problem, tell);
  }

  #watch(socket: Socket): void {
    const peer = addressOf(socket);
    this.#shaking.add(peer);
    socket.on("close", () => {
      // Who only looks whether the port is open says nothing, and is no news.
      const hungUp = this.#shaking.delete(peer) && socket.bytesRead > 0;
      if (hungUp) this.#onRefused(peer, "it hung up on us: it may not trust our certificate");
    });
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
