/**
 * Who a certificate must be of.
 *
 * Certificates are checked by role, not by host: workers come and go on any machine and any port, and
 * none of them needs a certificate of its own.
 */
import { type X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

import { ClusterError, TLS_ROLES, type TlsFiles, tlsName, type TlsRole } from "@gumshoe/core";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";

/** How a caller reaches a server that must be of a role. */
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

/** Says why a caller's certificate does not do, or null if it does. */
export function certificateProblem(socket: TLSSocket): ClusterError | null {
  const shown = socket.getPeerX509Certificate();
  // A resumed session is authorized without one.
  if (socket.authorized && shown !== undefined) return null;
  return new ClusterError("UNAUTHENTICATED", refusalOf(shown, String(socket.authorizationError)));
}

/** Returns the role that a caller's certificate is of; null without one of this cluster. */
export function certificateRole(socket: TLSSocket): TlsRole | null {
  if (!socket.authorized) return null;
  const shown = socket.getPeerX509Certificate();
  return TLS_ROLES.find((role) => shown?.checkHost(tlsName(role)) !== undefined) ?? null;
}

function refusalOf(shown: X509Certificate | undefined, reason: string): string {
  if (shown === undefined) {
    return "a certificate of this cluster is needed, and none was shown: set GUMSHOE_TLS (gumshoe certs makes them)";
  }
  const who = `the certificate of ${nameOf(shown)}`;
  if (reason === "CERT_HAS_EXPIRED") {
    return `${who} expired on ${shown.validTo}: make a new one by gumshoe certs --renew`;
  }
  if (reason === "CERT_NOT_YET_VALID") {
    return `${who} is valid only from ${shown.validFrom} on: is a clock wrong?`;
  }
  return `${who} is not of this cluster's authority (${reason})`;
}

function nameOf(certificate: X509Certificate): string {
  return /CN=([^\n]{1,64})/.exec(certificate.subject)?.[1] ?? "an unnamed caller";
}
