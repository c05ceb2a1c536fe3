import { InvalidArgumentError } from "@gumshoe/core";

const COMPLETIONS = "/chat/completions";
/** Matches names of query parameters whose values are secrets. */
const SECRET_NAME = /key|token|secret|sig|password|auth/i;

/** The URL of an endpoint, for requests and for display. */
export interface EndpointUrl {
  /** URL of its chat completions, without user and password. */
  readonly url: string;
  /** The URL without secrets, for display. */
  readonly shown: string;
  /** `Basic ...` if the URL has credentials; null otherwise. */
  readonly authorization: string | null;
}

/**
 * Returns the chat completions URL of a base URL: its path is extended, its query is kept.
 *
 * @param base  such as `http://127.0.0.1:8000/v1`, or the full URL of the chat completions
 * @throws      InvalidArgumentError
 */
export function endpointUrl(base: string): EndpointUrl {
  if (!URL.canParse(base)) {
    throw new InvalidArgumentError("--endpoint", `${withoutUser(base)} is not a URL`);
  }
  const url = new URL(base);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new InvalidArgumentError("--endpoint", "must begin with http:// or https://");
  }
  const { username, password } = url;
  const path = url.pathname.replace(/\/+$/, "");
  url.pathname = path.endsWith(COMPLETIONS) ? path : `${path}${COMPLETIONS}`;
  url.hash = "";
  url.username = "";
  url.password = "";
  const user = `${decoded(username)}:${decoded(password)}`;
  const isNamed = username !== "" || password !== "";
  return {
    url: url.href,
    shown: withoutSecrets(url.href),
    authorization: isNamed ? `Basic ${Buffer.from(user).toString("base64")}` : null,
  };
}

/** Like browsers, takes a % that begins no escape sequence literally. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Removes credentials and secret query values from a URL, for display. */
export function withoutSecrets(text: string): string {
  if (!URL.canParse(text)) return withoutUser(text);
  const url = new URL(text);
  url.username = "";
  url.password = "";
  for (const name of new Set(url.searchParams.keys())) {
    if (SECRET_NAME.test(name)) url.searchParams.set(name, "***");
  }
  return url.href;
}

function withoutUser(text: string): string {
  return text.replace(/\/\/[^/?#]*@/, "//");
}
