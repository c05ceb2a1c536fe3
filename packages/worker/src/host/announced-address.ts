/** Hosts that mean "every interface of this machine": nobody else can call them. */
const WILDCARDS = new Set(["0.0.0.0", "[::]"]);

/**
 * Returns the address under which others reach a server.
 *
 * @param bound  host:port that is served
 * @param host   name of this machine, used where the server listens on every interface
 */
export function announcedAddress(bound: string, host: string): string {
  const colon = bound.lastIndexOf(":");
  return WILDCARDS.has(bound.slice(0, colon)) ? `${host}${bound.slice(colon)}` : bound;
}
