/** Hosts that mean "every interface of this machine": nobody else can call them. */
const WILDCARDS = new Set(["0.0.0.0", "[::]"]);

/**
 * Returns the address under which others reach a server.
 *
 * @param bound    host:port that is served
 * @param names    `announce`, the host that others were told to use, if any; `host`, the name of this
 *                 machine, used where the server listens on every interface
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
