import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, expect, test } from "vitest";

import { makeCertificates } from "../certs/certificate-folder.js";
import { readTlsIdentity } from "./tls-identity.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-serve-tls-"));
const cert = join(folder, "coordinator/cert.pem");
const key = join(folder, "coordinator/key.pem");
const broken = join(folder, "broken.pem");
const now = new Date();

beforeAll(async () => {
  await makeCertificates({ folder, hosts: [], days: 2, renew: false });
  writeFileSync(broken, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a certificate and its key are read; without both there is no TLS", () => {
  const identity = { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
  expect(readTlsIdentity({ tlsCert: cert, tlsKey: key }, now)).toEqual(identity);
  expect(readTlsIdentity({}, now)).toBe(null);
});

test.each<[string, { tlsCert?: string; tlsKey?: string; at?: Date }, string, RegExp]>([
  ["no key", { tlsCert: cert }, "--tls-key", /is missing/],
  ["no certificate", { tlsKey: key }, "--tls-cert", /is missing/],
  ["no such file", { tlsCert: `${cert}x`, tlsKey: key }, "--tls-cert", /cannot be read/],
  ["a folder", { tlsCert: cert, tlsKey: folder }, "--tls-key", /cannot be read/],
  ["a broken file", { tlsCert: broken, tlsKey: key }, "--tls-cert", /not PEM of a certificate/],
  ["files exchanged", { tlsCert: key, tlsKey: cert }, "--tls-cert", /not PEM/],
  ["no key in it", { tlsCert: cert, tlsKey: cert }, "--tls-key", /not PEM of a private key/],
  [
    "the key of another",
    { tlsCert: cert, tlsKey: join(folder, "worker/key.pem") },
    "--tls-key",
    /is not the key of/,
  ],
  [
    "an expired certificate",
    { tlsCert: cert, tlsKey: key, at: new Date(now.getTime() + 3 * 86_400_000) },
    "--tls-cert",
    /has expired/,
  ],
  [
    "a certificate of the future",
    { tlsCert: cert, tlsKey: key, at: new Date(now.getTime() - 30 * 86_400_000) },
    "--tls-cert",
    /valid from/,
  ],
])("%s is refused with the option", (_, { at = now, ...options }, field, problem) => {
  const read = () => readTlsIdentity(options, at);
  expect(read).toThrow(problem);
  expect(read).toThrow(field);
});
