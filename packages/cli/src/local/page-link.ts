import { LoginCode, ROUTES } from "@gumshoe/api";

/** Time for the coordinator's answer, in ms. */
const WITHIN_MS = 3000;

/**
 * Asks a coordinator of this machine for a link to its page that logs in once.
 *
 * @param http  host:port of its HTTP server; empty or `off` for none
 * @returns     null when it has none, or does not answer
 */
export async function pageLink(http: string, token: string): Promise<string | null> {
  if (http === "" || http === "off") return null;
  try {
    const response = await fetch(`http://${http}${ROUTES.loginCode.path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: "{}",
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    if (!response.ok) return null;
    const { path } = LoginCode.parse(await response.json());
    return `http://${http}${path}`;
  } catch {
    return null;
  }
}
