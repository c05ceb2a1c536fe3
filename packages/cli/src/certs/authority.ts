import { generateKeyPair, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import { promisify } from "node:util";

import { tlsName, type TlsRole } from "@gumshoe/core";
import forge from "node-forge";

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Validity period of a certificate. */
export interface Validity {
  readonly from: Date;
  readonly days: number;
}

const AUTHORITY_KEY_BITS = 3072;
const KEY_BITS = 2048;
const DAY_MS = 86_400_000;
/** Backdates certificates, so that machines whose clocks are slow accept a new one, too. */
const CLOCK_SKEW_MS = 300_000;
const SERIAL_BYTES = 16;
/** Type number of a DNS alternative name in RFC 5280. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

/** Creates an authority that signs the certificates of one cluster. */
export async function createAuthority(validity: Validity): Promise<Identity> {
  const key = await newKey(AUTHORITY_KEY_BITS);
  const name = [
    { name: "commonName", value: `Gumshoe authority ${randomBytes(4).toString("hex")}` },
  ];
  const certificate = blank(key, validity);
  certificate.setSubject(name);
  certificate.setIssuer(name);
  certificate.setExtensions([
    { name: "basicConstraints", cA: true, pathLenConstraint: 0, critical: true },
    { name: "keyUsage", keyCertSign: true, cRLSign: true, critical: true },
    { name: "subjectKeyIdentifier" },
  ]);
  certificate.sign(key.privateKey, forge.md.sha256.create());
  return toPem(certificate, key);
}

/**
 * Issues the certificate of a role, for both client and server use.
 *
 * @param hosts  further names and addresses beside the role's own name
 */
export async function issueCertificate(
  authority: Identity,
  role: TlsRole,
  { hosts, ...validity }: Validity & { readonly hosts: readonly string[] },
): Promise<Identity> {
  const issuer = forge.pki.certificateFromPem(authority.cert);
  const key = await newKey(KEY_BITS);
  const certificate = blank(key, validity);
  certificate.setSubject([{ name: "commonName", value: role }]);
  certificate.setIssuer(issuer.subject.attributes);
  certificate.setExtensions([
    { name: "basicConstraints", cA: false, critical: true },
    { name: "keyUsage", digitalSignature: true, keyEncipherment: true, critical: true },
    { name: "extKeyUsage", serverAuth: true, clientAuth: true },
    { name: "subjectAltName", altNames: [tlsName(role), ...hosts].map(alternativeName) },
    { name: "subjectKeyIdentifier" },
    {
      name: "authorityKeyIdentifier",
      keyIdentifier: issuer.generateSubjectKeyIdentifier().getBytes(),
    },
  ]);
  certificate.sign(forge.pki.privateKeyFromPem(authority.key), forge.md.sha256.create());
  return toPem(certificate, key);
}

function blank(key: forge.pki.rsa.KeyPair, { from, days }: Validity): forge.pki.Certificate {
  const certificate = forge.pki.createCertificate();
  certificate.publicKey = key.publicKey;
  // A first hex digit below 8 keeps the number positive.
  certificate.serialNumber = `1${randomBytes(SERIAL_BYTES).toString("hex").slice(1)}`;
  certificate.validity.notBefore = new Date(from.getTime() - CLOCK_SKEW_MS);
  certificate.validity.notAfter = new Date(from.getTime() + days * DAY_MS);
  return certificate;
}

/** Generates the key with OpenSSL, which is a hundred times as fast as the library. */
async function newKey(bits: number): Promise<forge.pki.rsa.KeyPair> {
  const { privateKey, publicKey } = await promisify(generateKeyPair)("rsa", {
    modulusLength: bits,
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return {
    privateKey: forge.pki.privateKeyFromPem(privateKey),
    publicKey: forge.pki.publicKeyFromPem(publicKey),
  };
}

function alternativeName(host: string): { type: number; value?: string; ip?: string } {
  return isIP(host) === 0 ? { type: DNS_NAME, value: host } : { type: IP_ADDRESS, ip: host };
}

function toPem(certificate: forge.pki.Certificate, key: forge.pki.rsa.KeyPair): Identity {
  return {
    cert: forge.pki.certificateToPem(certificate).replaceAll("\r\n", "\n"),
    key: forge.pki.privateKeyToPem(key.privateKey).replaceAll("\r\n", "\n"),
  };
}
