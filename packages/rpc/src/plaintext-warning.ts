import type { Logger, Tls } from "@gumshoe/core";

/** Logs a warning when an address is served without TLS to other machines. */
export function warnIfPlaintext(logger: Logger | null, address: string, tls: Tls): void {
  const isSecure = tls !== null && tls !== "off";
  if (isSecure || isLoopback(address.slice(0, address.lastIndexOf(":")))) return;
  if (tls === "off") {
    logger?.info({ address }, "serves other machines without TLS, as GUMSHOE_TLS=off says");
    return;
  }
  logger?.warn(
    { address },
    `NOT PRIVATE: ${address} is served to other machines without TLS. Anyone who can read the traffic can read the token ` +
      "and the weights, and control the cluster. Make certificates with gumshoe certs and set GUMSHOE_TLS to their " +
      "folder, or set GUMSHOE_TLS=off if the network is private.",
  );
}

/** Returns whether a host is this machine and no other. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "[::1]" || /^127\./.test(host);
}
