import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

import { errorMessage, InvalidArgumentError, type TlsFiles } from "@gumshoe/core";

/** A certificate and its key, as PEM. */
export type TlsIdentity = NonNullable<TlsFiles["identity"]>;

/**
 * Reads the files of `--tls-cert` and `--tls-key`; null if neither is given.
 *
 * @param now  time at which the certificate must be valid
 * @throws     InvalidArgumentError naming the option: when one is given without the other, a file cannot be read or is not PEM of
 *   its kind, the certificate is not valid now, or the key is of another one
 */
export function readTlsIdentity(
  { tlsCert, tlsKey }: { readonly tlsCert?: string; readonly tlsKey?: string },
  now: Date,
): TlsIdentity | null {
  if (tlsCert === undefined && tlsKey === undefined) return null;
  if (tlsCert === undefined) throw alone("--tls-cert", "--tls-key");
  if (tlsKey === undefined) throw alone("--tls-key", "--tls-cert");
  const cert = read("--tls-cert", tlsCert);
  const key = read("--tls-key", tlsKey);
  const certificate = parse(
    "--tls-cert",
    tlsCert,
    "a certificate",
    () => new X509Certificate(cert),
  );
  const privateKey = parse("--tls-key", tlsKey, "a private key without a passphrase", () =>
    createPrivateKey(key),
  );
  checkTime(tlsCert, certificate, now);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new InvalidArgumentError("--tls-key", `${tlsKey} is not the key of ${tlsCert}`, {
      suggestion:
        "name two files that were made together; the server's own certificate is the first in its file",
    });
  }
  return { cert, key };
}

function alone(missing: string, given: string): InvalidArgumentError {
  return new InvalidArgumentError(missing, `is missing, and ${given} is given`, {
    suggestion: "give both for HTTPS, or neither for HTTP",
  });
}

function read(option: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new InvalidArgumentError(option, `${path} cannot be read: ${errorMessage(cause)}`, {
      cause,
    });
  }
}

function parse<T>(option: string, path: string, kind: string, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new InvalidArgumentError(option, `${path} is not PEM of ${kind}`, { cause });
  }
}

function checkTime(path: string, { validFrom, validTo }: X509Certificate, now: Date): void {
  const refuse = (problem: string) => {
    throw new InvalidArgumentError("--tls-cert", `${path} ${problem}`);
  };
  if (new Date(validFrom) > now) refuse(`is valid from ${validFrom} on only`);
  if (new Date(validTo) < now) refuse(`has expired: it was valid until ${validTo}`);
}
