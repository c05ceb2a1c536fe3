import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";

/** An attribute, with its one value. */
interface Attribute {
  readonly key: string;
  readonly value: Readonly<Record<string, string | number>>;
}

/** A span as it was sent. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly Attribute[];
  readonly status?: { readonly code: number };
}

interface Body {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly CollectedSpan[] }[];
  }[];
}

/** A collector of traces that speaks OTLP over HTTP in JSON, and keeps them in memory. */
export class OtlpCollector {
  /** Requests that were accepted, as JSON. */
  readonly bodies: string[] = [];
  /** Headers of the newest request. */
  headers: NodeJS.Dict<string | string[]> = {};
  /** Requests that are answered by status 503 before one is accepted. */
  refusals = 0;
  /** Sent with every answer. */
  partialSuccess: object | null = null;
  readonly #server = createServer((request, response) => {
    void buffer(request).then((bytes) => {
      this.headers = request.headers;
      const isKnown = request.method === "POST" && request.url === "/v1/traces";
      const isRefused = isKnown && this.refusals > 0;
      if (isRefused) this.refusals -= 1;
      const status = !isKnown ? 404 : isRefused ? 503 : 200;
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify({ partialSuccess: this.partialSuccess ?? {} }));
      if (status !== 200) return;
      const isPacked = request.headers["content-encoding"] === "gzip";
      this.bodies.push((isPacked ? gunzipSync(bytes) : bytes).toString("utf8"));
    });
  });

  /** Returns the URL that it listens at. */
  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** The spans by their id: one that was sent again replaces itself. */
  get spans(): Map<string, CollectedSpan> {
    const all = this.bodies.flatMap((body) =>
      (JSON.parse(body) as Body).resourceSpans.flatMap(({ scopeSpans }) =>
        scopeSpans.flatMap(({ spans }) => spans),
      ),
    );
    return new Map(all.map((span) => [span.spanId, span]));
  }
}
