/** Checks that a process makes of its own certificate at its start. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { readTls, readTlsFolder } from "@gumshoe/core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { makeCertificates } from "./certificate-folder.js";

const DAY_MS = 86_400_000;
const folder = mkdtempSync(join(tmpdir(), "gumshoe-own-"));
const ours = join(folder, "ours");
const foreign = join(folder, "foreign");
const now = new Date();

beforeAll(async () => {
  const options = { hosts: [], days: 30, renew: false, now };
  await makeCertificates({ ...options, folder: ours });
  await makeCertificates({ ...options, folder: foreign });
});
afterAll(() => rmSync(folder, { recursive: true }));

const after = (days: number) => new Date(now.getTime() + days * DAY_MS);
const read = (path: string, at = now) => readTls({ GUMSHOE_TLS: path }, "worker", at);

test("a valid certificate is accepted", () => {
  expect(read(ours, after(29))).toMatchObject({ folder: join(ours, "worker") });
});

test("an expired certificate is an error that names the file and the remedy", () => {
  expect(() => read(ours, after(31))).toThrow(
    /^GUMSHOE_TLS: .*worker\/cert.pem expired on .* GMT \(gumshoe certs FOLDER --renew makes new ones/,
  );
  expect(() => readTlsFolder(ours, "client", "--tls", after(31))).toThrow(
    /^--tls: .*client\/cert.pem expired on/,
  );
});

test("an expired authority is named", () => {
  expect(() => read(ours, after(4000))).toThrow(/worker\/ca.pem expired on/);
});

test("a certificate that is not yet valid is an error that mentions the clock", () => {
  expect(() => read(ours, after(-2))).toThrow(/ca.pem is good only from .*is the clock.*right/);
});

test("a certificate signed by another authority is an error, unless that authority is trusted too", () => {
  const mixed = join(folder, "mixed");
  cpSync(join(foreign, "worker"), mixed, { recursive: true });
  cpSync(join(ours, "worker/ca.pem"), join(mixed, "ca.pem"));
  expect(() => read(mixed)).toThrow(/cert.pem is not signed by .*mixed\/ca.pem/);
  const both = [ours, foreign].map((root) => readFileSync(join(root, "worker/ca.pem"), "utf8"));
  writeFileSync(join(mixed, "ca.pem"), both.join(""));
  expect(read(mixed)).toMatchObject({ folder: mixed });
});

test("a certificate of another role is an error for a process that accepts connections", () => {
  expect(() => read(join(ours, "client"))).toThrow(
    /client\/cert.pem is not for worker.gumshoe, but for DNS:client.gumshoe/,
  );
  expect(readTls({ GUMSHOE_TLS: join(ours, "worker") }, "client")).not.toBeNull();
});
