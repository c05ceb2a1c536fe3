import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";

import { freePort, mustBeFree } from "./free-port.js";

test("a port that somebody listens on is refused by its number, a free one is not", async () => {
  const port = await freePort();
  await expect(mustBeFree(port)).resolves.toBeUndefined();
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  await expect(mustBeFree(port)).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`);
  server.close();
});
