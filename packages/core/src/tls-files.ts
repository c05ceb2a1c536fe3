import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { errorMessage, InvalidArgumentError } from "./errors.js";

/** What a process trusts and shows others, as PEM. */
export interface TlsFiles {
  readonly folder: string;
  /** Certificates of the authorities that are trusted; nobody else is. */
  readonly ca: string;
  /** Our own certificate and its key; null for a caller that has none. */
  readonly identity: { readonly cert: string; readonly key: string } | null;
  /** What a server asks of callers beside the token. */
  readonly clients: "certificate" | "token";
}

/** TLS by these files; "off" for none, on purpose; null for none, since nobody said anything. */
export type Tls = TlsFiles | "off" | null;

/** Whose files: the names of the folders that `gumshoe certs` makes. */
export type TlsRole = "coordinator" | "worker" | "redis" | "client";

const VARIABLE = "GUMSHOE_TLS";
const CLIENTS_VARIABLE = "GUMSHOE_TLS_CLIENTS";

/**
 * Reads the files that GUMSHOE_TLS names: a folder with ca.pem, cert.pem and key.pem, or one that has
 * such a folder for each role. Callers are asked for a certificate unless GUMSHOE_TLS_CLIENTS is `token`.
 *
 * @throws InvalidArgumentError when a file is missing, is no certificate or key, or the two do not match
 */
export function readTls(env: Readonly<Record<string, string | undefined>>, role: TlsRole): Tls {
  const value = env[VARIABLE];
  if (value === undefined || value === "") return null;
  if (value === "off") return "off";
  const files = readTlsFolder(value, role, VARIABLE);
  if (files.identity === null && role !== "client") {
    throw new InvalidArgumentError(VARIABLE, `there is no ${join(files.folder, "cert.pem")}`, {
      suggestion: "only a client can do without; gumshoe certs makes one for each role",
    });
  }
  const clients = env[CLIENTS_VARIABLE] || "certificate";
  if (clients !== "certificate" && clients !== "token") {
    throw new InvalidArgumentError(CLIENTS_VARIABLE, `${clients} is not certificate or token`);
  }
  return { ...files, clients };
}

/**
 * Reads the files of a folder, or of the role's folder in it.
 *
 * @param field  what the folder was named by, for errors
 * @throws       InvalidArgumentError as {@link readTls}
 */
export function readTlsFolder(folder: string, role: TlsRole, field: string): TlsFiles {
  const own = join(folder, role);
  const from = existsSync(join(own, "ca.pem")) ? own : folder;
  const ca = readPem(from, "ca.pem", field);
  parse(join(from, "ca.pem"), field, () => new X509Certificate(ca));
  // Without a certificate of its own a process can still call those who ask for none.
  if (!existsSync(join(from, "cert.pem")))
    return { folder: from, ca, identity: null, clients: "certificate" };
  const cert = readPem(from, "cert.pem", field);
  const key = readPem(from, "key.pem", field);
  const certificate = parse(join(from, "cert.pem"), field, () => new X509Certificate(cert));
  const privateKey = parse(join(from, "key.pem"), field, () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new InvalidArgumentError(field, `the key in ${from} is not that of its certificate`, {
      suggestion: "copy cert.pem and key.pem together, or make new ones by gumshoe certs --renew",
    });
  }
  return { folder: from, ca, identity: { cert, key }, clients: "certificate" };
}

function readPem(folder: string, name: string, field: string): string {
  const path = join(folder, name);
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    throw new InvalidArgumentError(
      field,
      missing ? `there is no ${path}` : `${path} cannot be read: ${errorMessage(cause)}`,
      { suggestion: "gumshoe certs makes such folders", cause },
    );
  }
}

function parse<T>(path: string, field: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    const problem = `${path} is not PEM of the kind that its name says`;
    throw new InvalidArgumentError(field, problem, { cause });
  }
}
