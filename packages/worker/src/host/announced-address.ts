/** Hosts that mean every interface of this machine; other machines cannot connect to them. */
const WILDCARDS = new Set(["0.0.0.0", "[::]"]);

/**
 * Returns the address under which other processes reach a server.
 *
 * @param bound    host:port that is served
 * @param names    `announce`, the configured host for others, if any; `host`, the name of this machine, used if the
 *                 server listens on every interface
 */
export function announcedAddress(
  bound: string,
  names: { readonly announce: string | null; readonly host: string },
): string {
  const colon = bound.lastIndexOf(":");
  const listening = bound.slice(0, colon);
  const ours = WILDCARDS.has(listening) ? names.host : listening;
  return `${names.announce ?? ours}${bound.slice(colon)}`;
}
