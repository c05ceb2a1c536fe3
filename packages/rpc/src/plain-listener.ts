import { createServer, type Server, type Socket } from "node:net";

/** Accepts connections without TLS for a gRPC server. */
export class PlainListener {
  readonly #server: Server;

  /** @param options.inject  passes a connection to the gRPC server */
  constructor(options: { inject: (socket: Socket) => void }) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      // The HTTP/2 session handles the error; without a listener the event would end the process.
      socket.on("error", () => undefined);
      options.inject(socket);
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
}

/** Listens, and returns the port. */
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
