/**
 * Verification of certificates by role, not by host: workers run on any machine and port, and share
 * their role's certificate.
 */
import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

import { ClusterError, TLS_ROLES, type TlsFiles, tlsName, type TlsRole } from "@gumshoe/core";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/** Returns the credentials and options for connecting to a server of a role. */
export function channelSecurity(
  tls: TlsFiles | null,
  role: TlsRole,
): { credentials: ChannelCredentials; options: Record<string, string> } {
  if (tls === null) return { credentials: credentials.createInsecure(), options: {} };
  const { ca, identity } = tls;
  const [key, cert] = [identity?.key ?? null, identity?.cert ?? null].map((pem) =>
    pem === null ? null : Buffer.from(pem),
  );
  const secure = credentials.createSsl(Buffer.from(ca), key ?? null, cert ?? null);
  return { credentials: secure, options: { "grpc.ssl_target_name_override": tlsName(role) } };
}

/** Returns why a caller's certificate is invalid; null if it is valid. */
export function certificateProblem(socket: TLSSocket): ClusterError | null {
  const shown = socket.getPeerX509Certificate();
  // A resumed session counts as authorized even without a certificate.
  if (socket.authorized && shown !== undefined) return null;
  return new ClusterError("UNAUTHENTICATED", refusalOf(shown, String(socket.authorizationError)));
}

/** Returns the role of a caller's certificate; null without a certificate of this cluster. */
export function certificateRole(socket: TLSSocket): TlsRole | null {
  if (!socket.authorized) return null;
  const shown = socket.getPeerX509Certificate();
  return TLS_ROLES.find((role) => shown?.checkHost(tlsName(role)) !== undefined) ?? null;
}

function refusalOf(shown: X509Certificate | undefined, reason: string): string {
  if (shown === undefined) {
    return "a certificate of this cluster is required, and none was sent: set GUMSHOE_TLS (gumshoe certs makes them)";
  }
  const who = `the certificate of ${nameOf(shown)}`;
  if (reason === "CERT_HAS_EXPIRED") {
    return `${who} expired on ${shown.validTo}: make a new one by gumshoe certs --renew`;
  }
  if (reason === "CERT_NOT_YET_VALID") {
    return `${who} is valid only from ${shown.validFrom} on: is a clock wrong?`;
  }
  return `${who} is not signed by this cluster's authority (${reason})`;
}

function nameOf(certificate: X509Certificate): string {
  return /CN=([^\n]{1,64})/.exec(certificate.subject)?.[1] ?? "an unnamed caller";
}
