import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type Socket } from "node:net";

import { afterEach, expect, test } from "vitest";

import { EndpointConnection } from "./endpoint-connection.js";
import { endpointUrl } from "./endpoint-url.js";
import { proxyFor } from "./proxy.js";

const HTTP = "http://models.example/v1";
const HTTPS = "https://models.example/v1";
const P = "http://proxy:3128";

test.each([
  [HTTP, {}, null],
  [HTTP, { http_proxy: P }, P],
  [HTTP, { HTTP_PROXY: P }, P],
  [HTTP, { https_proxy: P }, null],
  [HTTPS, { https_proxy: P }, P],
  [HTTPS, { HTTPS_PROXY: P }, P],
  [HTTPS, { http_proxy: P }, null],
  [HTTPS, { ALL_PROXY: P }, P],
  [HTTP, { http_proxy: "proxy:3128" }, P],
  [HTTP, { http_proxy: "" }, null],
  [HTTP, { http_proxy: P, no_proxy: "*" }, null],
  [HTTP, { http_proxy: P, no_proxy: "other, .example" }, null],
  [HTTP, { http_proxy: P, NO_PROXY: "models.example" }, null],
  [HTTP, { http_proxy: P, NO_PROXY: "example" }, null],
  [HTTP, { http_proxy: P, no_proxy: "dels.example" }, P],
  ["http://models.example:81", { http_proxy: P, no_proxy: "models.example:81" }, null],
  ["http://models.example:81", { http_proxy: P, no_proxy: "models.example:82" }, P],
  ["http://127.0.0.1:8000/v1", { http_proxy: P }, null],
  ["http://localhost:8000/v1", { http_proxy: P }, null],
  ["http://[::1]:8000/v1", { http_proxy: P }, null],
])("%s with %j goes through %s", (url, env, proxy) => {
  expect(proxyFor(url, env)?.origin ?? null).toBe(proxy);
});

test("an invalid proxy variable is rejected by name", () => {
  expect(() => proxyFor(HTTP, { http_proxy: "http://a b" })).toThrow("http_proxy: ");
  expect(() => proxyFor(HTTPS, { https_proxy: "socks5://h:1" })).toThrow("https_proxy: ");
});

const open: (Server | Socket)[] = [];
afterEach(() => {
  for (const one of open.splice(0)) {
    if ("closeAllConnections" in one) {
      one.closeAllConnections();
      one.close();
    } else one.destroy();
  }
});

async function listen(server: Server): Promise<number> {
  open.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

test("an external endpoint is requested through the proxy, with the proxy's credentials", async () => {
  const seen: unknown[] = [];
  const port = await listen(
    createServer((request, response) => {
      seen.push([request.method, request.url, request.headers["proxy-authorization"]]);
      request.resume().on("end", () => response.end("through the proxy"));
    }),
  );
  const connection = new EndpointConnection({
    endpoint: endpointUrl("http://models.example/v1"),
    apiKey: null,
    timeoutMs: 10_000,
    env: { http_proxy: `http://ann:pass@127.0.0.1:${port}` },
  });
  const { status, text } = await connection.post({}, new AbortController().signal);
  connection.close();
  expect([status, text]).toEqual([200, "through the proxy"]);
  const user = `Basic ${Buffer.from("ann:pass").toString("base64")}`;
  expect(seen).toEqual([["POST", "http://models.example/v1/chat/completions", user]]);
});

test("an endpoint with TLS is requested through a tunnel", async () => {
  const asked: string[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, socket: Socket) => {
    asked.push(request.url ?? "");
    // The far end: a port without TLS ends the handshake.
    const far = connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      far.pipe(socket).pipe(far);
    });
    far.on("error", () => socket.destroy());
    open.push(far, socket);
  });
  const port = await listen(proxy);
  const connection = new EndpointConnection({
    endpoint: endpointUrl(HTTPS),
    apiKey: null,
    timeoutMs: 10_000,
    env: { https_proxy: `http://127.0.0.1:${port}` },
  });
  await expect(connection.post({}, new AbortController().signal)).rejects.toThrow("proxy");
  connection.close();
  expect(asked).toEqual(["models.example:443"]);
});

test("an unreachable proxy is named, without its password", async () => {
  const connection = new EndpointConnection({
    endpoint: endpointUrl(HTTP),
    apiKey: null,
    timeoutMs: 10_000,
    env: { http_proxy: "http://ann:secret@127.0.0.1:9" },
  });
  const asked = connection.post({}, new AbortController().signal);
  await expect(asked).rejects.toThrow(
    /^(?!.*secret).*cannot be reached through the proxy http:\/\/127\.0\.0\.1:9\/ \(.*ECONNREFUSED/,
  );
  connection.close();
});
