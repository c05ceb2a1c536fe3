import { InvalidArgumentError } from "@gumshoe/core";

const COMPLETIONS = "/chat/completions";
/** Names of query parameters whose values are secrets. */
const SECRET_NAME = /key|token|secret|sig|password|auth/i;

/** Where an endpoint is, and how it is shown. */
export interface EndpointUrl {
  /** URL of its chat completions, without user and password. */
  readonly url: string;
  /** The same without secrets, for people. */
  readonly shown: string;
  /** `Basic ...` where the URL names a user; null where it does not. */
  readonly authorization: string | null;
}

/**
 * Finds the chat completions of a base URL: its path is extended, its query stays.
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

/** A sign % that begins no escape stands for itself, as browsers take it. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Takes user, password and secret query values out of a URL, so that it can be shown. */
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
