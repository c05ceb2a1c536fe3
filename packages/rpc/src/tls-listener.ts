import { constants } from "node:crypto";
import { type Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";

import { handshakeProblem } from "/core";
import { InvalidArgumentError, type TlsFiles } from "@gumshoe/core";

import { addressOf, type Connections } from "./connections.js";
import { listenOn } from "./plain-listener.js";
import { rejectConnection } from "./reject-connection.js";
import { certificateProblem, certificateRole } from "./tls.js";

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
  readonly #connections: Connections;
  readonly #inject: (socket: TLSSocket) => void;
  readonly #onRefused: (peer: string, problem: string) => void;
  /** Callers whose handshake is not done. */
  readonly #shaking = new Set<string>();

  /**
   * @param options.connections  is given every connection, and the role of its certificate
   * @param options.inject     takes a connection whose caller may be served
   * @param options.onRefused  told of handshakes that failed, and of certificates that do not do
   */
  constructor(options: {
    tls: TlsFiles;
    connections: Connections;
    inject: (socket: TLSSocket) => void;
    onRefused: (peer: string, problem: string) => void;
  }) {
    const { ca, identity, clients, folder } = options.tls;
    if (identity === null) {
      throw new InvalidArgumentError("GUMSHOE_TLS", `there is no cert.pem in ${folder}`, {
        suggestion: "who is called needs a certificate: gumshoe certs makes one for each role",
      });
    }
    this.#connections = options.connections;
    this.#inject = options.inject;
    this.#onRefused = options.onRefused;
    const isAsked = clients === "certificate";
    this.#server = createServer(
      {
        ca,
        ...identity,
        requestCert: true,
        rejectUnauthorized: false,
        ALPNProtocols: ["h2"],
        noDelay: true,
        handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
        // Both ends are Gumshoe's own or a gRPC library of today.
        minVersion: "TLSv1.3",
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
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, host, port);
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
      const role = certificateRole(socket);
      if (role !== null) this.#connections.setRole(peer, role);
      this.#inject(socket);
      return;
    }
    const report = () => this.#onRefused(peer, problem.message);
    // Who shows one may hang up before its first call; who shows none may only look whether we live.
    if (socket.getPeerX509Certificate() !== undefined) report();
    rejectConnection(socket, problem, report);
  }

  #watch(socket: Socket): void {
    const peer = addressOf(socket);
    this.#shaking.add(peer);
    this.#connections.add(socket);
    socket.on("close", () => {
      // Who only looks whether the port is open says nothing, and is no news.
      const hungUp = this.#shaking.delete(peer) && socket.bytesRead > 0;
      if (hungUp) this.#onRefused(peer, "it hung up on us: it may not trust our certificate");
    });
  }
}
