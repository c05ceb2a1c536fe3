import { afterEach, beforeEach, expect, test } from "vitest";
import { FleetService } from "@gumshoe/protocol";

import { RpcChannel } from "./channel.js";
import { RpcServer } from "./server.js";

const PROXY_VARIABLES = ["grpc_proxy", "https_proxy", "http_proxy", "HTTP_PROXY", "HTTPS_PROXY"];
/** The discard port, on which nothing listens. */
const ABSENT_PROXY = "http://127.0.0.1:9";

let before: [string, string | undefined][];
let server: RpcServer;
beforeEach(() => {
  before = PROXY_VARIABLES.map((name) => [name, process.env[name]]);
  server = new RpcServer({ token: "right" });
  server.serve(FleetService, {
    register: async () => ({ heartbeatIntervalMs: 1000 }),
    heartbeat: async () => ({ heartbeatIntervalMs: 1000, withdrawnJobs: [] }),
    leave: async () => ({}),
    reportEnd: async () => ({}),
  });
});
afterEach(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await server.stop(0);
});

test.each(PROXY_VARIABLES)("a channel connects directly, whatever value %s has", async (name) => {
  const address = await server.listen("127.0.0.1:0");
  process.env[name] = ABSENT_PROXY;
  const channel = new RpcChannel(address, { token: "right" });
  try {
    await channel.ready(10_000);
    await expect(channel.client(FleetService).leave({ workerId: "w" })).resolves.toEqual({});
  } finally {
    channel.close();
  }
});
