import { once } from "node:events";
import { createServer } from "node:net";

import { PortInUseError } from "../errors.js";

const LOOPBACK = "127.0.0.1";

/** Returns a currently free loopback port. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (port === null) throw new PortInUseError(0);
  return port;
}

/** Checks that a loopback port is free. @throws PortInUseError */
export async function mustBeFree(port: number): Promise<void> {
  if ((await listenOnce(port)) === null) throw new PortInUseError(port);
}

/** Listens briefly; returns the port, or null when it is in use. */
async function listenOnce(port: number): Promise<number | null> {
  const server = createServer();
  try {
    server.listen(port, LOOPBACK);
    await once(server, "listening");
  } catch {
    return null;
  }
  const address = server.address();
  server.close();
  await once(server, "close");
  return address !== null && typeof address === "object" ? address.port : null;
}
