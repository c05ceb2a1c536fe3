/**
 * Checks that a process can make of its own certificate at its start. Found here, a mistake is
 * reported with its file; found by a peer, it only shows as a failed handshake.
 */
import { X509Certificate } from "node:crypto";

import { InvalidArgumentError } from "./errors.js";

const RENEWAL =
  "gumshoe certs FOLDER --renew makes new ones, where FOLDER/ca/key.pem is; copy them here";

/** A file of certificates, as PEM. */
export interface CertificateFile {
  readonly path: string;
  readonly pem: string;
  /** Setting that named the file, for errors. */
  readonly field: string;
}

/** @throws InvalidArgumentError when the first certificate of a file is not valid at a time */
export function mustBeValidAt({ path, pem, field }: CertificateFile, now: Date): void {
  const { validFrom, validTo } = new X509Certificate(pem);
  if (now > new Date(validTo)) {
    throw new InvalidArgumentError(field, `${path} expired on ${validTo}`, { suggestion: RENEWAL });
  }
  if (now < new Date(validFrom)) {
    throw new InvalidArgumentError(field, `${path} is good only from ${validFrom} on`, {
      suggestion: `is the clock of this machine right? It is ${now.toISOString()}`,
    });
  }
}

/** @throws InvalidArgumentError when none of the authorities has issued the certificate */
export function mustBeIssuedBy(file: CertificateFile, authorities: CertificateFile): void {
  const [own, ...chain] = certificatesOf(file.pem);
  const issuers = [...chain, ...certificatesOf(authorities.pem)];
  const isIssued = issuers.some((ca) => own?.checkIssued(ca) && own.verify(ca.publicKey));
  if (isIssued) return;
  throw new InvalidArgumentError(file.field, `${file.path} is not signed by ${authorities.path}`, {
    suggestion: `the files of two clusters are mixed; copy them together, or ${RENEWAL}`,
  });
}

/** @throws InvalidArgumentError when the certificate lacks a name among its alternative names */
export function mustBeFor({ path, pem, field }: CertificateFile, name: string): void {
  const certificate = new X509Certificate(pem);
  if (certificate.checkHost(name) !== undefined) return;
  const shown = certificate.subjectAltName ?? "no name";
  throw new InvalidArgumentError(field, `${path} is not for ${name}, but for ${shown}`, {
    suggestion: "gumshoe certs makes a folder for each role",
  });
}

/** Returns the end of validity of the first certificate in a PEM text. */
export function expiryOf(pem: string): Date {
  return new Date(new X509Certificate(pem).validTo);
}

function certificatesOf(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}
