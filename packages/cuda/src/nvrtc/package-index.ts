import { errorMessage } from "@gumshoe/core";

import { PackageAwayError, WrongPackageError } from "../errors.js";

/** What pip uses without a setting. */
const DEFAULT_INDEX = "https://pypi.org/simple";
const JSON_TYPE = "application/vnd.pypi.simple.v1+json";
/** Time in which an answer must begin. */
const ANSWER_WITHIN_MS = 30_000;

/** An index of Python packages, as PEP 503 and PEP 691 describe it. */
export class PackageIndex {
  private readonly url: URL;
  private readonly headers: Record<string, string>;

  /** @param index  its URL, which may hold a user's name and password; null: pip's default */
  constructor(index: string | null) {
    this.url = new URL(`${(index ?? DEFAULT_INDEX).replace(/\/+$/, "")}/`);
    const { username, password } = this.url;
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    this.url.username = this.url.password = "";
    this.headers =
      username === "" ? {} : { Authorization: `Basic ${Buffer.from(login).toString("base64")}` };
  }

  /** Finds where a file of a project is; @throws PackageAwayError, WrongPackageError when it is not there */
  async find(project: string, file: string): Promise<URL> {
    const page = new URL(`${project}/`, this.url);
    const response = await this.get(page, { Accept: `${JSON_TYPE}, text/html;q=0.1` });
    const text = await response.text();
    const isJson = (response.headers.get("content-type") ?? "").includes("json");
    const links = isJson ? linksOfJson(text) : linksOfHtml(text);
    const link = links.find(({ name }) => name === file);
    if (link === undefined) throw new WrongPackageError(file, `is not at ${page.href}`);
    return new URL(link.href, response.url);
  }

  /** Asks for a URL; the password goes to the index only. @throws PackageAwayError */
  async get(url: URL, headers: Record<string, string> = {}): Promise<Response> {
    const login = url.origin === this.url.origin ? this.headers : {};
    const { origin, pathname } = url;
    const shown = `${origin}${pathname}`;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error("no answer in 30 s")), ANSWER_WITHIN_MS);
    try {
      const response = await fetch(url, {
        headers: Object.assign({}, headers, login),
        signal: late.signal,
      });
      if (response.ok) return response;
      throw new PackageAwayError(shown, `answers ${response.status} ${response.statusText}`);
    } catch (error) {
      if (error instanceof PackageAwayError) throw error;
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw new PackageAwayError(shown, `cannot be reached: ${errorMessage(cause)}`, error);
    } finally {
      clearTimeout(timer);
    }
  }
}

interface Link {
  readonly name: string;
  readonly href: string;
}

function linksOfJson(text: string): Link[] {
  const { files } = JSON.parse(text) as { files: { filename: string; url: string }[] };
  return files.map(({ filename, url }) => ({ name: filename, href: url }));
}

function linksOfHtml(text: string): Link[] {
  return [...text.matchAll(/<a\s[^>]*href="([^"]+)"[^>]*>([^<]+)<\/a>/g)].map(
    ([, href = "", name = ""]) => ({ name: name.trim(), href: href.replaceAll("&amp;", "&") }),
  );
}
