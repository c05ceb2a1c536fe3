import { InvalidArgumentError } from "@gumshoe/core";

/** Proxy variables per protocol; the first one that is set applies. */
const VARIABLES = {
  "http:": ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
  "https:": ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
} as const;

/**
 * Returns the proxy for a URL from the environment: `http_proxy`, `https_proxy`, `all_proxy` and
 * `no_proxy`, in lower or upper case. Loopback addresses never use a proxy.
 *
 * @returns  null for a direct connection
 * @throws   InvalidArgumentError naming the variable
 */
export function proxyFor(url: string, env: NodeJS.ProcessEnv): URL | null {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "").toLowerCase();
  if (isLoopback(host) || isExcluded(host, port, env["no_proxy"] ?? env["NO_PROXY"] ?? "")) {
    return null;
  }
  const names: readonly string[] = protocol === "https:" ? VARIABLES["https:"] : VARIABLES["http:"];
  for (const name of names) {
    const value = env[name]?.trim() ?? "";
    if (value === "") continue;
    const text = /^[a-z][a-z\d+.-]*:\/\//i.test(value) ? value : `http://${value}`;
    if (!URL.canParse(text)) throw new InvalidArgumentError(name, "is not the URL of a proxy");
    const proxy = new URL(text);
    if (proxy.protocol === "http:" || proxy.protocol === "https:") return proxy;
    const problem = `is a proxy of the kind ${proxy.protocol}//, only http:// and https:// are known`;
    throw new InvalidArgumentError(name, problem);
  }
  return null;
}

function isLoopback(host: string): boolean {
  return (
    host === "localhost" || host.endsWith(".localhost") || host === "::1" || /^127\./.test(host)
  );
}

/**
 * An entry is a host, a domain with its subdomains (with or without a leading dot), or `*` for all.
 */
function isExcluded(host: string, port: string, list: string): boolean {
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => {
      if (entry === "*") return true;
      const [, name = entry, wanted = ""] = /^\[?(.*?)\]?(?::(\d+))?$/.exec(
        entry.replace(/^\*?\./, ""),
      ) ?? [entry];
      if (wanted !== "" && wanted !== port && !entry.includes("::")) return false;
      return host === name || host.endsWith(`.${name}`);
    });
}
