import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { extname, join, relative, sep } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};
const INDEX = "/index.html";
/** Folder of the files whose names hold a hash of their content. */
const HASHED = /^\/assets\//;
const zip = promisify(gzip);

interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
  readonly zipped: Buffer;
  readonly etag: string;
  readonly isHashed: boolean;
}

/** The files of the web page, held in memory: together they have a few hundred kilobytes. */
export class StaticPage {
  readonly #files: ReadonlyMap<string, PageFile>;

  private constructor(files: ReadonlyMap<string, PageFile>) {
    this.#files = files;
  }

  /** Reads the built page from a folder; null when there is none. */
  static async open(folder: string): Promise<StaticPage | null> {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    const files = new Map<string, PageFile>();
    for (const entry of entries) {
      const type = TYPES[extname(entry.name)];
      if (!entry.isFile() || type === undefined) continue;
      const path = join(entry.parentPath, entry.name);
      const name = `/${relative(folder, path).split(sep).join("/")}`;
      files.set(name, await readPageFile(path, name, type));
    }
    return files.has(INDEX) ? new StaticPage(files) : null;
  }

  /** Sends the file of a path; a path of the page's own router is its index. @returns whether there is one */
  send(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const file = this.#files.get(path === "/" || extname(path) === "" ? INDEX : path);
    if (file === undefined) return false;
    const { type, bytes, zipped, etag, isHashed } = file;
    response.setHeader(
      "cache-control",
      isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    );
    response.setHeader("etag", etag);
    if (request.headers["if-none-match"] === etag) {
      response.writeHead(304).end();
      return true;
    }
    const takesGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
    const body = takesGzip ? zipped : bytes;
    if (takesGzip) response.setHeader("content-encoding", "gzip");
    response.setHeader("vary", "accept-encoding");
    response.writeHead(200, { "content-type": type, "content-length": body.length });
    response.end(request.method === "HEAD" ? undefined : body);
    return true;
  }
}

async function readPageFile(path: string, name: string, type: string): Promise<PageFile> {
  const bytes = await readFile(path);
  const hash = createHash("sha256").update(bytes).digest("base64url").slice(0, 22);
  return {
    type,
    bytes,
    zipped: await zip(bytes),
    etag: `"${hash}"`,
    isHashed: HASHED.test(name),
  };
}
