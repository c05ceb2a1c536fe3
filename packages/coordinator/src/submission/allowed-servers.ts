/**
 * Decides which servers of tasks and grades a config may name: coordinator and workers send requests
 * to them from inside the cluster's network, so none is allowed unless the owner lists it.
 *
 * - A URL must be a listed one, or below it: same scheme, host and port, and a path that goes on after
 *   a slash. It is compared as the URL parser writes it, so `..` and upper-case hosts change nothing.
 * - The client follows no redirects, so that an allowed server cannot lead to another.
 */
import { InvalidArgumentError } from "@gumshoe/core";
import { namedServers, type RunConfig } from "@gumshoe/config";

/** The servers that configs may name. */
export class AllowedServers {
  readonly #urls: readonly string[];

  /** @param urls  listed URLs, each with everything below it */
  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  /** @throws InvalidArgumentError naming the first field with a URL that is not allowed */
  check(config: RunConfig): void {
    const bad = namedServers(config).find(
      ({ url }) => !this.#urls.some((one) => isBelow(url, one)),
    );
    if (bad === undefined) return;
    const list = this.#urls.length === 0 ? "it allows none" : this.#urls.join(", ");
    const problem = `${bad.url.slice(0, 200)} is not below a URL that this cluster allows: ${list}`;
    throw new InvalidArgumentError(bad.field, problem, {
      suggestion:
        "GUMSHOE_SOURCE_URLS lists them where the coordinator starts, gumshoe up --source-url adds one",
    });
  }
}

function isBelow(text: string, allowed: string): boolean {
  const [url, root] = [new URL(text), new URL(allowed)];
  if (url.origin !== root.origin) return false;
  const path = withSlash(url.pathname);
  return path.startsWith(withSlash(root.pathname));
}

function withSlash(path: string): string {
  return path.endsWith("/") ? path : `${path}/`;
}
