import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";

import { handshakeProblem, InvalidArgumentError, type TlsFiles } from "@gumshoe/core";

import { addressOf, type Connections } from "./connections.js";
import { listenOn } from "./plain-listener.js";
import { rejectConnection } from "./reject-connection.js";
import { certificateProblem, certificateRole } from "./tls.js";

/** Time limit of a handshake, in ms. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * Accepts TLS connections for a gRPC server.
 *
 * - A caller with an invalid certificate receives the reason as the error of its first call, since
 *   a failed handshake could not carry one; its connection never reaches the gRPC server.
 * - Session tickets are off, so every connection presents its certificate: Node.js marks a resumed
 *   TLS 1.3 session as authorized even without a certificate, which would admit a caller that was
 *   rejected before.
 */
export class TlsListener {
  readonly #server: Server;
  readonly #connections: Connections;
  readonly #inject: (socket: TLSSocket) => void;
  readonly #onRefused: (peer: string, problem: string) => void;
  /** Peers whose handshake is in progress. */
  readonly #shaking = new Set<string>();

  /**
   * @param options.connections  registers every connection, and the role of its certificate
   * @param options.inject       passes an authorized connection to the gRPC server
   * @param options.onRefused    called for failed handshakes and invalid certificates
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
        suggestion: "a server needs a certificate: gumshoe certs makes one for each role",
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
        // Both ends are Gumshoe or a current gRPC library.
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

  /** @returns the port that is listened on */
  listen(host: string, port: number): Promise<number> {
    return listenOn(this.#server, host, port);
  }

  /** Stops accepting connections. */
  close(): void {
    this.#server.close();
  }

  #take(socket: TLSSocket, isAsked: boolean): void {
    const peer = addressOf(socket);
    this.#shaking.delete(peer);
    // Users of the socket handle the error; without a listener the event would end the process.
    socket.on("error", () => undefined);
    const problem = isAsked ? certificateProblem(socket) : null;
    if (problem === null) {
      const role = certificateRole(socket);
      if (role !== null) this.#connections.setRole(peer, role);
      this.#inject(socket);
      return;
    }
    const report = () => this.#onRefused(peer, problem.message);
    // Log at once for peers with a certificate, which may never make a call. Peers without one are
    // usually port probes: log only if they make a call.
    if (socket.getPeerX509Certificate() !== undefined) report();
    rejectConnection(socket, problem, report);
  }

  #watch(socket: Socket): void {
    const peer = addressOf(socket);
    this.#shaking.add(peer);
    this.#connections.add(socket);
    socket.on("close", () => {
      // A port probe sends no bytes, and is not logged.
      const hungUp = this.#shaking.delete(peer) && socket.bytesRead > 0;
      if (hungUp)
        this.#onRefused(peer, "it closed the connection: it may not trust our certificate");
    });
  }
}
