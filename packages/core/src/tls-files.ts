import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { mustBeFor, mustBeIssuedBy, mustBeValidAt } from "./certificate-checks.js";
import { errorMessage, InvalidArgumentError } from "./errors.js";

/** The TLS files of a process: authorities that it trusts, and its own certificate, as PEM. */
export interface TlsFiles {
  readonly folder: string;
  /** Certificates of the trusted authorities; the system's are not trusted. */
  readonly ca: string;
  /** The own certificate and its key; null for a client without one. */
  readonly identity: { readonly cert: string; readonly key: string } | null;
  /** Authentication that a server requires of clients beside the token. */
  readonly clients: "certificate" | "token";
}

/** TLS with these files; "off" if it was explicitly turned off; null if it was not configured. */
export type Tls = TlsFiles | "off" | null;

/** The roles of certificates, and the names of the folders that `gumshoe certs` creates. */
export const TLS_ROLES = ["coordinator", "worker", "redis", "client"] as const;

/** The owner of TLS files: one of {@link TLS_ROLES}. */
export type TlsRole = (typeof TLS_ROLES)[number];

/** Returns the alternative name that a role's certificate must have. */
export function tlsName(role: TlsRole): string {
  return `${role}.gumshoe`;
}

const VARIABLE = "GUMSHOE_TLS";
const CLIENTS_VARIABLE = "GUMSHOE_TLS_CLIENTS";

/**
 * Reads the files in the folder that GUMSHOE_TLS names: ca.pem, cert.pem and key.pem, directly or
 * in a subfolder per role. Clients need a certificate unless GUMSHOE_TLS_CLIENTS is `token`.
 *
 * @param role  the own role, whose name must be in the certificate
 * @throws      InvalidArgumentError as {@link readTlsFolder}, and when the certificate is of
 *   another authority or role
 */
export function readTls(
  env: Readonly<Record<string, string | undefined>>,
  role: TlsRole,
  now = new Date(),
): Tls {
  const value = env[VARIABLE];
  if (value === undefined || value === "") return null;
  if (value === "off") return "off";
  const clients = env[CLIENTS_VARIABLE] || "certificate";
  if (clients !== "certificate" && clients !== "token") {
    throw new InvalidArgumentError(CLIENTS_VARIABLE, `${clients} is not certificate or token`);
  }
  const files = readTlsFolder(value, role, VARIABLE, now);
  const path = join(files.folder, "cert.pem");
  if (files.identity !== null) {
    const file = { path, pem: files.identity.cert, field: VARIABLE };
    const authorities = { path: join(files.folder, "ca.pem"), pem: files.ca, field: VARIABLE };
    mustBeIssuedBy(file, authorities);
    // A client accepts no connections, so any role's certificate will do.
    if (role !== "client") mustBeFor(file, tlsName(role));
  } else if (role !== "client") {
    throw new InvalidArgumentError(VARIABLE, `there is no ${path}`, {
      suggestion: "only a client can do without; gumshoe certs makes one for each role",
    });
  }
  return { ...files, clients };
}

/**
 * Reads the files in a folder, or in the role's subfolder of it.
 *
 * @param field  setting that names the folder, for errors
 * @param now    time at which the certificates must be valid
 * @throws       InvalidArgumentError when a file is missing, is not a certificate or key, has
 *   expired, or when key and certificate do not match
 */
export function readTlsFolder(
  folder: string,
  role: TlsRole = "client",
  field = "tls",
  now = new Date(),
): TlsFiles {
  const own = join(folder, role);
  const from = existsSync(join(own, "ca.pem")) ? own : folder;
  const readCertificate = (name: string): string => {
    const pem = readPem(from, name, field);
    const path = join(from, name);
    parse(path, field, () => new X509Certificate(pem));
    mustBeValidAt({ path, pem, field }, now);
    return pem;
  };
  const ca = readCertificate("ca.pem");
  // Without a certificate a process can still call servers that do not require one.
  if (!existsSync(join(from, "cert.pem"))) {
    return { folder: from, ca, identity: null, clients: "certificate" };
  }
  const cert = readCertificate("cert.pem");
  const key = readPem(from, "key.pem", field);
  const privateKey = parse(join(from, "key.pem"), field, () => createPrivateKey(key));
  if (!new X509Certificate(cert).checkPrivateKey(privateKey)) {
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
