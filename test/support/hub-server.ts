import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A repository of the hub: its files by name, at one commit. */
export interface HubRepo {
  readonly commit: string;
  readonly files: Readonly<Record<string, Buffer>>;
  /** Needs this token; gated where it needs none that is known. */
  readonly token?: string;
  readonly gated?: boolean;
}

/** What the server does wrong. */
export interface HubTrouble {
  /** Times that a request for a file is answered by this status. */
  status?: number;
  statusTimes?: number;
  /** Cuts the connection after so many bytes of a file's body, once for each number. */
  cutAfter?: number[];
  /** Changes the first byte of every body, so many times. */
  spoilTimes?: number;
}

/** Files from this size on are kept as large ones. */
const LARGE_BYTES = 4096;

/** A server of this machine that speaks the routes of the Hugging Face hub, for models and data sets. */
export class HubServer {
  /** Models, by `owner/name`. */
  readonly repos = new Map<string, HubRepo>();
  /** Data sets, by `owner/name`. */
  readonly datasets = new Map<string, HubRepo>();
  trouble: HubTrouble = {};
  /** Requests for files: path, and first byte that was asked for. */
  readonly requests: { path: string; from: number; token: string | null }[] = [];
  /** Content that was uploaded, by name of the repository and of the file. */
  readonly uploaded = new Map<string, Buffer>();
  readonly created: unknown[] = [];
  readonly #large = new Map<string, Buffer>();

  private constructor(private readonly server: Server) {}

  static async start(): Promise<HubServer> {
    const server = createServer();
    const hub = new HubServer(server);
    server.on("request", (request, response) => {
      hub.#answer(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return hub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const path = decodeURIComponent(pathname);
    const token = request.headers.authorization?.replace(/^Bearer /, "") ?? null;
    const body = await readBody(request);
    if (path === "/api/repos/create") {
      this.created.push(JSON.parse(body.toString()));
      const { organization, name } = JSON.parse(body.toString()) as Record<string, string>;
      this.repos.set(`${organization}/${name}`, { commit: "0".repeat(40), files: {} });
      return json(response, { url: `${this.url}/${organization}/${name}`, id: "1" });
    }
    const [, large] = /^\/large\/(\w+)$/.exec(path) ?? [];
    if (large !== undefined) {
      this.#large.set(large, body);
      return void response.writeHead(200).end();
    }
    const [, api, kind, name = "", rest = ""] =
      /^\/(api\/)?(?:(models|datasets)\/)?([^/]+\/[^/]+?)(?:\.git)?(?:\/(.*))?$/.exec(path) ?? [];
    const repo = (kind === "datasets" ? this.datasets : this.repos).get(name);
    if (repo === undefined) {
      return error(response, token === null ? 401 : 404, "Repository not found");
    }
    if (repo.gated === true && repo.token !== token) {
      const page = `Access to ${kind === "datasets" ? "dataset" : "model"} ${name} is restricted.`;
      return error(response, token === null ? 401 : 403, page);
    }
    if (repo.token !== undefined && repo.token !== token)
      return error(response, 401, "Invalid credentials");
    if (rest.startsWith("info/lfs/objects/batch")) return this.#batch(response, body);
    if (api === undefined) return this.#sendFile(response, { request, repo, rest, token });
    const isRecursive = searchParams.get("recursive") === "true";
    return this.#api(response, { name, repo, rest, body, isRecursive });
  }

  #api(
    response: ServerResponse,
    call: { name: string; repo: HubRepo; rest: string; body: Buffer; isRecursive: boolean },
  ): void {
    const { name, repo, rest, body, isRecursive } = call;
    const [kind, revision, ...folder] = rest.split("/");
    if (kind === "revision" && revision !== "main" && revision !== repo.commit) {
      return error(response, 404, `Invalid rev id: ${revision}`);
    }
    const about = {
      _id: "1",
      id: name,
      private: false,
      gated: false,
      downloads: 0,
      likes: 0,
      lastModified: "2026-01-01",
    };
    if (kind === "revision" || rest === "") return json(response, { ...about, sha: repo.commit });
    if (kind === "tree") {
      const within = folder.map((part) => `${part}/`).join("");
      const files = Object.entries(repo.files).filter(([path]) => path.startsWith(within));
      if (files.length === 0 && within !== "") return error(response, 404, "Entry not found");
      const isHere = (path: string) => isRecursive || !path.slice(within.length).includes("/");
      return json(response, files.filter(([path]) => isHere(path)).map(treeEntry));
    }
    if (kind === "preupload") {
      const { files } = JSON.parse(body.toString()) as { files: { path: string; size: number }[] };
      const modes = files.map(({ path, size }) => ({
        path,
        uploadMode: size < LARGE_BYTES ? "regular" : "lfs",
      }));
      return json(response, { files: modes });
    }
    if (kind === "commit") return this.#commit(response, name, body);
    return error(response, 404, `no route ${rest}`);
  }

  #batch(response: ServerResponse, body: Buffer): void {
    const { objects } = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
    const answers = objects.map((object) => ({
      ...object,
      ...(this.#large.has(object.oid)
        ? {}
        : { actions: { upload: { href: `${this.url}/large/${object.oid}` } } }),
    }));
    json(response, { transfer: "basic", objects: answers });
  }

  #commit(response: ServerResponse, name: string, body: Buffer): void {
    for (const line of body
      .toString()
      .split("\n")
      .filter((text) => text !== "")) {
      const { key, value } = JSON.parse(line) as { key: string; value: Record<string, string> };
      const file = `${name}/${value["path"]}`;
      if (key === "file") this.uploaded.set(file, Buffer.from(value["content"] ?? "", "base64"));
      if (key === "lfsFile")
        this.uploaded.set(file, this.#large.get(value["oid"] ?? "") ?? Buffer.from("?"));
    }
    const commit = {
      commitOid: "1".repeat(40),
      commitUrl: `${this.url}/${name}/commit/1`,
      hookOutput: "",
    };
    json(response, commit);
  }

  #sendFile(
    response: ServerResponse,
    {
      request,
      repo,
      rest,
      token,
    }: { request: IncomingMessage; repo: HubRepo; rest: string; token: string | null },
  ): void {
    const { trouble } = this;
    const [, revision, path = ""] = /^resolve\/([^/]+)\/(.*)$/.exec(rest) ?? [];
    const bytes = repo.files[path];
    if (bytes === undefined || revision !== repo.commit)
      return error(response, 404, "Entry not found");
    const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
    this.requests.push({ path, from, token });
    if ((trouble.statusTimes ?? 0) > 0) {
      trouble.statusTimes = (trouble.statusTimes ?? 0) - 1;
      return error(response, trouble.status ?? 503, "busy");
    }
    const body = Buffer.from(bytes.subarray(from));
    if ((trouble.spoilTimes ?? 0) > 0 && body.length > 0) {
      trouble.spoilTimes = (trouble.spoilTimes ?? 0) - 1;
      body[0] = 255 - (body[0] ?? 0);
    }
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    response.writeHead(from > 0 ? 206 : 200, {
      "Content-Length": body.length,
      ...(from > 0 ? { "Content-Range": range } : {}),
    });
    const cut = body.length >= LARGE_BYTES ? trouble.cutAfter?.shift() : undefined;
    if (cut === undefined) response.end(body);
    else response.write(body.subarray(0, cut), () => setTimeout(() => response.destroy(), 30));
  }
}

function treeEntry([path, bytes]: [string, Buffer]): object {
  const { length: size } = bytes;
  const lfs = { oid: sha256(bytes), size, pointerSize: 130 };
  return { type: "file", path, size, oid: gitHash(bytes), ...(size < LARGE_BYTES ? {} : { lfs }) };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(value));
}

function error(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(JSON.stringify({ error: message }));
}

/** SHA-256 in hexadecimal digits. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The SHA-1 that Git gives a blob. */
export function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
