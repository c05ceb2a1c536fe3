import { createServer, type Server, type Socket } from "node:net";

/** Takes connections without TLS for a gRPC server. */
export class PlainListener {
  readonly #server: Server;

  /** @param options.inject  takes a connection that may be served */
  constructor(options: { inject: (socket: Socket) => void }) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      // Its end is seen by the HTTP/2 session; an "error" without a listener would end the process.
      socket.on("error", () => undefined);
      options.inject(socket);
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
}

/** Listens, and returns the port that is served. */
export async function listenOn(server: Server, host: string, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = server.address();
  return typeof bound === "object" && bound !== null ? bound.port : port;
}
