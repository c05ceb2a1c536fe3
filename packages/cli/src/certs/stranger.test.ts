/** Callers without a certificate that send unusual requests to a server which requires one. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";

import { readTlsFolder, type TlsFiles } from "@gumshoe/core";
import { TensorService } from "@gumshoe/protocol";
import { RpcServer } from "@gumshoe/rpc";
import forge from "node-forge";
import { afterAll, beforeAll, expect, test } from "vitest";

import { makeCertificates } from "./certificate-folder.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-stranger-"));
const UNAUTHENTICATED = "16";
let server: RpcServer;
let port: number;
let numServed = 0;

beforeAll(async () => {
  await makeCertificates({ folder, hosts: [], days: 1, renew: false });
  server = new RpcServer({ token: "t", tls: readTlsFolder(folder, "coordinator") });
  server.serve(TensorService, {
    // eslint-disable-next-line require-yield -- nothing is held here
    async *pullTensor() {
      numServed++;
      await Promise.resolve();
    },
  });
  port = Number((await server.listen("127.0.0.1:0")).split(":")[1]);
});
afterAll(async () => {
  await server.stop(0);
  rmSync(folder, { recursive: true });
});

/** Opens a connection; `session` is a TLS session from an earlier connection. */
async function open({ identity }: Partial<TlsFiles>, session?: Buffer): Promise<TLSSocket> {
  const { ca } = readTlsFolder(folder, "client");
  const socket = connect({
    port,
    host: "127.0.0.1",
    servername: "coordinator.gumshoe",
    ca,
    ...identity,
    ALPNProtocols: ["h2"],
    ...(session === undefined ? {} : { session }),
  });
  await once(socket, "secureConnect");
  return socket;
}

/** Calls a method with the right token; returns the gRPC status. */
async function call(socket: TLSSocket, path: string): Promise<unknown> {
  const connection = connectHttp2("https://coordinator", { createConnection: () => socket });
  const stream = connection.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    authorization: "Bearer t",
  });
  let status: unknown;
  const note = (headers: Record<string, unknown>) => (status = headers["grpc-status"] ?? status);
  stream.on("response", note).on("trailers", note).resume();
  // An empty message, uncompressed.
  stream.end(Buffer.alloc(5));
  await once(stream, "close");
  connection.destroy();
  return status;
}

test("a resumed TLS session does not admit a caller without a certificate", async () => {
  const first = await open({});
  const sessions: Buffer[] = [];
  first.on("session", (session) => sessions.push(session));
  expect(await call(first, TensorService.pullTensor.path)).toBe(UNAUTHENTICATED);
  for (const session of sessions) {
    const again = await open({}, session);
    expect(again.isSessionReused()).toBe(false);
    expect(await call(again, TensorService.pullTensor.path)).toBe(UNAUTHENTICATED);
  }
  expect(numServed).toBe(0);
});

test("the health check needs a certificate, too", async () => {
  const path = "/grpc.health.v1.Health/Check";
  expect(await call(await open({}), path)).toBe(UNAUTHENTICATED);
  const { identity } = readTlsFolder(folder, "client");
  expect(await call(await open({ identity }), path)).toBe("0");
});

/** Creates a self-signed certificate with any common name. */
function selfSigned(commonName: string): NonNullable<TlsFiles["identity"]> {
  const key = forge.pki.rsa.generateKeyPair(1024);
  const certificate = forge.pki.createCertificate();
  const name = { name: "commonName", value: commonName, valueTagClass: forge.asn1.Type.UTF8 };
  certificate.publicKey = key.publicKey;
  certificate.validity.notAfter = new Date(Date.now() + 3_600_000);
  certificate.setSubject([name as unknown as forge.pki.CertificateField]);
  certificate.setIssuer([name as unknown as forge.pki.CertificateField]);
  certificate.sign(key.privateKey, forge.md.sha256.create());
  return {
    cert: forge.pki.certificateToPem(certificate),
    key: forge.pki.privateKeyToPem(key.privateKey),
  };
}

test.each(["x".repeat(63) + "\u{1f600}", "\u{1f600}".repeat(64), "a\x1b[2J\0b", "%", "é"])(
  "a foreign certificate is rejected whatever its name: %j",
  async (name) => {
    const path = "/grpc.health.v1.Health/Check";
    expect(await call(await open({ identity: selfSigned(name) }), path)).toBe(UNAUTHENTICATED);
    const { identity } = readTlsFolder(folder, "client");
    expect(await call(await open({ identity }), path)).toBe("0");
  },
);

test("a rejected connection is closed", async () => {
  const socket = await open({});
  const connection = connectHttp2("https://coordinator", { createConnection: () => socket });
  const stream = connection.request({ ":method": "POST", ":path": "/any" });
  // The request is never ended.
  stream.write("x");
  stream.resume();
  await once(socket, "close");
  expect(socket.destroyed).toBe(true);
});
