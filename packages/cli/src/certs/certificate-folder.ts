import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";

import {
  errorMessage,
  InvalidArgumentError,
  makeFolder,
  tlsName,
  type TlsRole,
  writeDurablySync,
} from "@gumshoe/core";

import { FileError, writingError } from "../errors.js";
import { createAuthority, type Identity, issueCertificate } from "./authority.js";

const ROLES = ["coordinator", "worker", "redis", "client"] as const satisfies readonly TlsRole[];
/** Roles of servers that other programs may call by their host's name. */
const CALLED_BY_HOST: ReadonlySet<TlsRole> = new Set(["coordinator", "redis"]);
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];
const AUTHORITY_DAYS = 3650;

/** Options for making certificates. */
export interface CertificateOptions {
  readonly folder: string;
  /** Names and addresses of the machines that run the coordinator and Redis. */
  readonly hosts: readonly string[];
  readonly days: number;
  /** Issues new certificates from the existing authority. */
  readonly renew: boolean;
  readonly now?: Date;
}

/** A certificate that was made. */
export interface MadeCertificate {
  readonly role: TlsRole;
  readonly folder: string;
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly validTo: string;
}

/**
 * Creates an authority and a certificate for each role, each in a folder with ca.pem, cert.pem and
 * key.pem; the authority's own key is in `ca`.
 *
 * @throws InvalidArgumentError for a folder that holds certificates already, or none to renew;
 *   FileError when the authority is unusable, or a file cannot be written
 */
export async function makeCertificates(options: CertificateOptions): Promise<MadeCertificate[]> {
  const { folder, days, renew, now = new Date() } = options;
  for (const host of options.hosts) mustBeHost(host);
  const ca = join(folder, "ca");
  const there = existsSync(join(ca, "ca.pem"));
  // A worker's machine may hold only the worker's folder: that must not be overwritten either.
  const present = ["ca", ...ROLES].find((part) => existsSync(join(folder, part, "ca.pem")));
  if (present !== undefined && !renew) {
    throw new InvalidArgumentError("folder", `${folder} holds certificates already (${present})`, {
      suggestion: "--renew makes new ones by the same authority; or name another folder",
    });
  }
  if (!there && renew) {
    throw new InvalidArgumentError("folder", `there is no authority in ${ca}`, {
      suggestion: "without --renew one is made",
    });
  }
  const hosts = [...new Set([...LOOPBACK, ...knownHosts(folder), ...options.hosts])];
  const authority = there
    ? readAuthority(ca, now)
    : await createAuthority({ from: now, days: AUTHORITY_DAYS });
  if (!there) writeIdentity(ca, authority, authority.cert, "ca.pem");
  const made: MadeCertificate[] = [];
  for (const role of ROLES) {
    const names = CALLED_BY_HOST.has(role) ? hosts : [];
    const identity = await issueCertificate(authority, role, { hosts: names, from: now, days });
    writeIdentity(join(folder, role), identity, authority.cert, "cert.pem");
    const validTo = new Date(new X509Certificate(identity.cert).validTo).toISOString();
    made.push({ role, folder: join(folder, role), names: [tlsName(role), ...names], validTo });
  }
  return made;
}

/** Returns the hosts in the coordinator's present certificate. */
function knownHosts(folder: string): string[] {
  const path = join(folder, "coordinator", "cert.pem");
  if (!existsSync(path)) return [];
  const names = new X509Certificate(readFileSync(path)).subjectAltName ?? "";
  return names
    .split(", ")
    .map((name) => name.replace(/^(DNS|IP Address):/, ""))
    .map((name) => (isIP(name) === 6 ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name))
    .filter((name) => name !== "" && name !== tlsName("coordinator"));
}

function mustBeHost(host: string): void {
  if (isIP(host) !== 0 || /^(?!-)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(host)) return;
  throw new InvalidArgumentError("host", `${host} is not a name or an address`, {
    suggestion: "give it without port and scheme",
  });
}

function readAuthority(folder: string, now: Date): Identity {
  const path = join(folder, "key.pem");
  try {
    const read = (name: string) => readFileSync(join(folder, name), "utf8");
    const authority = { cert: read("ca.pem"), key: read("key.pem") };
    const certificate = new X509Certificate(authority.cert);
    if (!certificate.checkPrivateKey(createPrivateKey(authority.key))) {
      throw new FileError(path, "is not the key of the authority in ca.pem");
    }
    if (now > new Date(certificate.validTo)) {
      const problem = `expired on ${certificate.validTo}; make a new authority in another folder`;
      throw new FileError(join(folder, "ca.pem"), problem);
    }
    return authority;
  } catch (thrown) {
    if (thrown instanceof FileError) throw thrown;
    throw new FileError(path, `cannot be read with its ca.pem: ${errorMessage(thrown)}`, thrown);
  }
}

/**
 * Writes the key first, so that a process starting in between sees a mismatch instead of a
 * foreign certificate.
 */
function writeIdentity(folder: string, { cert, key }: Identity, ca: string, name: string): void {
  const files = { "key.pem": key, "ca.pem": ca, [name]: cert };
  try {
    makeFolder(folder, 0o700);
    for (const [file, text] of Object.entries(files)) {
      writeDurablySync(join(folder, file), text, file === "key.pem" ? 0o600 : 0o644);
    }
  } catch (thrown) {
    throw writingError(folder, thrown);
  }
}
