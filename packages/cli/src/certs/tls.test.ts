import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { createLogger, readTls, readTlsFolder, type Tls, type TlsRole } from "@gumshoe/core";
import { RpcChannel, type RpcHandlers, RpcServer } from "@gumshoe/rpc";
import { TensorService } from "@gumshoe/protocol";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";

import { makeCertificates } from "./certificate-folder.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-certs-"));
const ours = join(folder, "ours");
const foreign = join(folder, "foreign");
const expired = join(folder, "expired");
const options = { hosts: [], days: 365, renew: false };
const A_YEAR_AGO = new Date(Date.now() - 365 * 86_400_000);

beforeAll(async () => {
  await makeCertificates({ ...options, folder: expired, days: 1, now: A_YEAR_AGO });
  mkdirSync(ours);
  await Promise.all([
    makeCertificates({ ...options, folder: ours }),
    makeCertificates({ ...options, folder: foreign }),
  ]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

interface Warning {
  readonly fields: Record<string, unknown>;
  readonly message: string;
}

/** Starts a server that answers every pull with NOT_FOUND, and collects its warnings. */
async function startServer(
  tls: Tls,
  listen = "127.0.0.1:0",
  callers: readonly TlsRole[] | null = null,
) {
  const warnings: Warning[] = [];
  const write = (line: string) => {
    const { msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
    warnings.push({ fields, message: String(msg) });
  };
  const logger = createLogger("test", "warn", { write });
  const server = new RpcServer({ token: "t", tls, logger });
  const handlers: RpcHandlers<typeof TensorService> = {
    // eslint-disable-next-line require-yield -- nothing is held here
    async *pullTensor() {
      await Promise.resolve();
    },
  };
  server.serve(TensorService, handlers, callers);
  const address = await server.listen(listen);
  open.push({ close: () => server.stop(0) });
  return { address, warnings };
}

/** Makes a call that every authorized caller may make. */
async function call(address: string, tls: Tls, token = "t", role: TlsRole = "coordinator") {
  const channel = new RpcChannel(address, { token, tls, role });
  open.push(channel);
  const request = { run: "r", name: "weights/0", start: 0, end: 0, hostId: "" };
  const stream = channel.client(TensorService).pullTensor(request, { deadlineMs: 5000 });
  for await (const chunk of stream) void chunk;
}

const tlsOf = (root: string, role: TlsRole, now = new Date()) =>
  readTlsFolder(root, role, "--tls", now);

describe("mutual TLS", () => {
  test("a caller with a certificate of the same authority, and the token, is served", async () => {
    const { address, warnings } = await startServer(tlsOf(ours, "coordinator"));
    await call(address, tlsOf(ours, "worker"));
    await call(address, tlsOf(ours, "client"));
    await expect(call(address, tlsOf(ours, "client"), "wrong")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringContaining("token") as string,
    });
    expect(warnings).toHaveLength(1);
  });

  test.each([
    [
      "none",
      () => ({ ...tlsOf(ours, "worker"), identity: null }),
      "a certificate of this cluster is required, and none was sent",
    ],
    [
      "a foreign one",
      () => ({ ...tlsOf(foreign, "worker"), ca: tlsOf(ours, "worker").ca }),
      "the certificate of worker is not signed by this cluster's authority",
    ],
    [
      "one that has expired",
      () => ({ ...tlsOf(expired, "worker", A_YEAR_AGO), ca: tlsOf(ours, "worker").ca }),
      "the certificate of worker expired on ",
    ],
  ])("with %s, each side reports the reason in one line", async (_, tls, problem) => {
    const { address, warnings } = await startServer(tlsOf(ours, "coordinator"));
    await expect(call(address, tls())).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringContaining(problem) as string,
    });
    expect(warnings).toEqual([
      {
        fields: expect.objectContaining({
          peer: expect.stringContaining("127.0.0.1:") as string,
        }) as object,
        message: expect.stringContaining(`refused: ${problem}`) as string,
      },
    ]);
    // A repeated attempt is not logged again.
    await expect(call(address, tls())).rejects.toThrow();
    expect(warnings).toHaveLength(1);
  });

  test("a service restricted to some roles rejects certificates of others, even with the token", async () => {
    const callers = ["coordinator", "worker"] as const;
    const tls = tlsOf(ours, "worker");
    const { address, warnings } = await startServer(tls, "127.0.0.1:0", callers);
    await call(address, tlsOf(ours, "coordinator"), "t", "worker");
    await call(address, tlsOf(ours, "worker"), "t", "worker");
    await expect(call(address, tlsOf(ours, "client"), "t", "worker")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: "a certificate of role client may not call this; coordinator and worker may",
    });
    expect(warnings).toHaveLength(1);
  });

  test("when clients need no certificate, a restricted service still requires one", async () => {
    const tls = { ...tlsOf(ours, "worker"), clients: "token" as const };
    const { address } = await startServer(tls, "127.0.0.1:0", ["worker"]);
    await call(address, tlsOf(ours, "worker"), "t", "worker");
    const without = { ...tlsOf(ours, "client"), identity: null };
    const foreigner = { ...tlsOf(foreign, "worker"), ca: tlsOf(ours, "worker").ca };
    for (const caller of [without, foreigner]) {
      await expect(call(address, caller, "t", "worker")).rejects.toThrow(
        "only a caller with a certificate of worker may call this",
      );
    }
  });

  test("TLS 1.2 is rejected", async () => {
    const { address } = await startServer(tlsOf(ours, "coordinator"));
    const { ca, identity } = tlsOf(ours, "client");
    const [host = "", port = ""] = address.split(":");
    const options = {
      host,
      port: Number(port),
      ca,
      ...identity,
      servername: "coordinator.gumshoe",
    };
    const attempt = (maxVersion: "TLSv1.2" | "TLSv1.3") =>
      new Promise<string>((resolve) => {
        const socket = connectTls({ ...options, maxVersion }, () => {
          resolve(socket.getProtocol() ?? "none");
          socket.destroy();
        });
        socket.on("error", (error: Error) => resolve(error.message));
      });
    expect(await attempt("TLSv1.3")).toBe("TLSv1.3");
    expect(await attempt("TLSv1.2")).toContain("protocol version");
  });

  test("a caller rejects a server of another authority, or of another role", async () => {
    const other = await startServer(tlsOf(foreign, "coordinator"));
    await expect(call(other.address, tlsOf(ours, "worker"))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringContaining("not of the authority in our ca.pem") as string,
    });
    await expect
      .poll(() => other.warnings.map(({ message }) => message))
      .toEqual(["refused: it closed the connection: it may not trust our certificate"]);
    const { address } = await startServer(tlsOf(ours, "coordinator"));
    await expect(call(address, tlsOf(ours, "client"), "t", "worker")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
      message: expect.stringContaining("that of another role") as string,
    });
  });

  test("a connection fails when only one side uses TLS, and the error says so", async () => {
    const secure = await startServer(tlsOf(ours, "coordinator"));
    await expect(call(secure.address, null)).rejects.toMatchObject({
      code: "UNAVAILABLE",
      message: expect.stringContaining("perhaps it requires TLS") as string,
    });
    await expect
      .poll(() => secure.warnings.map(({ message }) => message))
      .toEqual(["refused: only one of the two sides speaks TLS"]);
    const plain = await startServer(null);
    await expect(call(plain.address, tlsOf(ours, "client"))).rejects.toThrow(
      "only one of the two sides speaks TLS",
    );
  });

  test("a server can be set to require the token only", async () => {
    const tls = { ...tlsOf(ours, "coordinator"), clients: "token" as const };
    const { address } = await startServer(tls);
    const trusting = { ...tlsOf(ours, "client"), identity: null };
    await call(address, trusting);
    await expect(call(address, trusting, "wrong")).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  });

  test("a port probe is not logged, and a port in use is an error", async () => {
    const { address, warnings } = await startServer(tlsOf(ours, "coordinator"));
    const port = Number(address.split(":")[1]);
    await new Promise<void>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => socket.destroy());
      socket.on("close", () => resolve());
    });
    await call(address, tlsOf(ours, "client"));
    expect(warnings).toEqual([]);
    await expect(startServer(tlsOf(ours, "coordinator"), address)).rejects.toThrow(
      "the port is in use",
    );
  });
});

test("a server without TLS on an external address logs a warning, unless TLS is explicitly off", async () => {
  const loud = await startServer(null, "0.0.0.0:0");
  expect(loud.warnings[0]?.message).toContain("NOT PRIVATE: 0.0.0.0:");
  const meant = await startServer("off", "0.0.0.0:0");
  const secure = await startServer(tlsOf(ours, "coordinator"), "0.0.0.0:0");
  const near = await startServer(null);
  expect([...meant.warnings, ...secure.warnings, ...near.warnings]).toEqual([]);
});

test("a server whose certificate expires soon logs a warning at its start", async () => {
  const soon = join(folder, "soon");
  await makeCertificates({ ...options, folder: soon, days: 3 });
  const { warnings } = await startServer(tlsOf(soon, "coordinator"));
  expect(warnings.map(({ message }) => message)).toEqual([
    expect.stringMatching(/soon\/coordinator expires in 2 days: gumshoe certs --renew/),
  ]);
});

describe("the folder of certificates", () => {
  test("is not overwritten, and is renewed by the same authority for the same hosts", async () => {
    const renewed = join(folder, "renewed");
    await makeCertificates({
      ...options,
      folder: renewed,
      hosts: ["gpu-1.lan", "10.0.0.5", "fd00::5"],
    });
    await expect(makeCertificates({ ...options, folder: renewed })).rejects.toThrow(
      "holds certificates already (ca) (--renew",
    );
    const before = tlsOf(renewed, "coordinator");
    const made = await makeCertificates({ ...options, folder: renewed, renew: true });
    expect(made[0]?.names).toEqual([
      ...["coordinator.gumshoe", "localhost", "127.0.0.1", "::1"],
      ...["gpu-1.lan", "10.0.0.5", "fd00::5"],
    ]);
    const after = tlsOf(renewed, "coordinator");
    expect(after.ca).toBe(before.ca);
    expect(after.identity?.cert).not.toBe(before.identity?.cert);
    for (const path of ["ca/key.pem", "worker/key.pem"]) {
      expect(statSync(join(renewed, path)).mode & 0o777).toBe(0o600);
    }
  });

  test("a host with a port, or nothing to renew, is an error", async () => {
    const none = join(folder, "none");
    await expect(
      makeCertificates({ ...options, folder: none, hosts: ["gpu-1:7070"] }),
    ).rejects.toThrow("host: gpu-1:7070 is not a name or an address");
    await expect(makeCertificates({ ...options, folder: none, renew: true })).rejects.toThrow(
      "there is no authority",
    );
    const part = join(folder, "part");
    cpSync(join(ours, "worker"), join(part, "worker"), { recursive: true });
    await expect(makeCertificates({ ...options, folder: part })).rejects.toThrow(
      "holds certificates already (worker)",
    );
  });

  test("an authority that lacks its key, or has expired, signs nothing", async () => {
    const mixed = join(folder, "mixed-authority");
    cpSync(join(ours, "ca"), join(mixed, "ca"), { recursive: true });
    const renewal = { ...options, folder: mixed, renew: true };
    const late = makeCertificates({ ...renewal, now: new Date("2099-01-01") });
    await expect(late).rejects.toThrow(/ca.pem: expired on .*make a new authority/);
    cpSync(join(foreign, "ca/key.pem"), join(mixed, "ca/key.pem"));
    await expect(makeCertificates(renewal)).rejects.toThrow("is not the key of the authority");
    writeFileSync(join(mixed, "ca/key.pem"), "nonsense");
    await expect(makeCertificates(renewal)).rejects.toThrow(/ca\/key.pem: cannot be read with/);
    await expect(
      makeCertificates({ ...options, folder: join(mixed, "ca/key.pem") }),
    ).rejects.toThrow("cannot be written");
  });

  test("is read by role, and errors name its faults", () => {
    expect(readTls({}, "worker")).toBeNull();
    expect(readTls({ GUMSHOE_TLS: "off" }, "worker")).toBe("off");
    expect(readTls({ GUMSHOE_TLS: ours }, "worker")).toMatchObject({
      folder: join(ours, "worker"),
    });
    expect(readTls({ GUMSHOE_TLS: join(ours, "worker") }, "client")).toMatchObject({
      folder: join(ours, "worker"),
      clients: "certificate",
    });
    expect(() => readTls({ GUMSHOE_TLS: ours, GUMSHOE_TLS_CLIENTS: "all" }, "worker")).toThrow(
      "GUMSHOE_TLS_CLIENTS: all is not certificate or token",
    );
    expect(() => readTls({ GUMSHOE_TLS: join(folder, "nowhere") }, "worker")).toThrow(
      /GUMSHOE_TLS: there is no .*ca.pem \(gumshoe certs makes/,
    );
    const mixed = join(folder, "mixed");
    mkdirSync(mixed);
    const { ca, identity } = tlsOf(ours, "worker");
    writeFileSync(join(mixed, "ca.pem"), ca);
    writeFileSync(join(mixed, "cert.pem"), identity?.cert ?? "");
    writeFileSync(join(mixed, "key.pem"), tlsOf(ours, "client").identity?.key ?? "");
    expect(() => tlsOf(mixed, "worker")).toThrow("is not that of its certificate");
    writeFileSync(join(mixed, "key.pem"), "nonsense");
    expect(() => tlsOf(mixed, "worker")).toThrow("key.pem is not PEM");
  });
});
