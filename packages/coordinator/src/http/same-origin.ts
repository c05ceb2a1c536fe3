import type { IncomingMessage } from "node:http";

/**
 * Returns why a change that a browser's session asks for is refused: another site may have made the
 * browser send it. Null when the request is from this server's own page.
 */
export function crossSiteProblem(request: IncomingMessage): string | null {
  const { origin, host } = request.headers;
  const site = request.headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin") return `it comes from another site (${site})`;
  if (origin === undefined) return site === undefined ? "it names no origin" : null;
  return hostOf(origin) === host ? null : `it comes from ${origin.slice(0, 100)}`;
}

function hostOf(origin: string): string | null {
  try {
    return new URL(origin).host;
  } catch {
    return null;
  }
}
