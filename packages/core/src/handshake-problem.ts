/** Explains a failed TLS handshake; null when certificates are not the cause. */
export function handshakeProblem(message: string): string | null {
  if (/unknown ca|bad certificate|certificate unknown/i.test(message)) {
    return "the other side does not trust our certificate: it is of another authority";
  }
  if (/certificate.required/i.test(message)) return "the other side requires a certificate";
  if (/alert certificate.expired/i.test(message)) return "our certificate has expired";
  if (/has expired|CERT_HAS_EXPIRED/i.test(message))
    return "the other side's certificate has expired";
  if (/altnames|Hostname\/IP does not match/i.test(message)) {
    return "the other side's certificate is that of another role";
  }
  if (
    /self-signed certificate|signature failure|unable to verify the first|unable to get (local )?issuer|UNABLE_TO_/i.test(
      message,
    )
  ) {
    return "the other side's certificate is not of the authority in our ca.pem";
  }
  if (/wrong version number|packet length too long|http request/i.test(message)) {
    return "only one of the two sides speaks TLS";
  }
  return null;
}
