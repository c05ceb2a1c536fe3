import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";

import { freePort, mustBeFree } from "./free-port.js";

test("a port in use is rejected by number, a free one is accepted", async () => {
  const port = await freePort();
  await expect(mustBeFree(port)).resolves.toBeUndefined();
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  await expect(mustBeFree(port)).rejects.toThrow(`port ${port} of 127.0.0.1 is in use`);
  server.close();
});
