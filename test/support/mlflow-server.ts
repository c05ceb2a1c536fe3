import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";

interface Metric {
  readonly key: string;
  readonly value: number;
  readonly step: number;
  readonly timestamp: number;
}

interface StoredRun {
  readonly id: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Map<string, string>;
  /** By key, step, time and value, as the server's database has them. */
  readonly metrics: Map<string, Metric>;
  status: string;
}

type Body = Record<string, unknown>;

/** Thrown for an error of the REST API. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
  ) {
    super(code);
  }
}

/** The part of MLflow's tracking server that a monitor uses, with its limits, in memory. */
export class MlflowServer {
  readonly runs: StoredRun[] = [];
  readonly #experiments: string[] = [];
  readonly #server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { status, answer } = this.#answer(request.url ?? "", body);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer));
    });
  });

  /** @param port  0 for any free one */
  async start(port = 0): Promise<number> {
    this.#server.listen(port, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #answer(url: string, body: Body): { status: number; answer: unknown } {
    const { pathname, searchParams } = new URL(url, "http://mlflow");
    try {
      const call = pathname.replace("/api/2.0/mlflow/", "");
      return { status: 200, answer: this.#call(call, searchParams, body) };
    } catch (error) {
      const { status, code } = error instanceof Refusal ? error : new Refusal(500, String(error));
      return { status, answer: { error_code: code, message: code } };
    }
  }

  #call(call: string, query: URLSearchParams, body: Body): unknown {
    switch (call) {
      case "experiments/get-by-name": {
        const id = this.#experiments.indexOf(query.get("experiment_name") ?? "");
        if (id < 0) throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST");
        return { experiment: { experiment_id: String(id), lifecycle_stage: "active" } };
      }
      case "experiments/create":
        return { experiment_id: String(this.#experiments.push(body["name"] as string) - 1) };
      case "runs/search": {
        const [, tag = "", value] = /tags\.`(.*)` = '(.*)'/.exec(body["filter"] as string) ?? [];
        const found = this.runs.filter((run) => run.tags[tag] === value);
        return found.length === 0
          ? {}
          : { runs: found.map(({ id }) => ({ info: { run_id: id } })) };
      }
      case "runs/create":
        return { run: { info: { run_id: this.#create(body).id } } };
      case "runs/update":
        this.#run(body).status = body["status"] as string;
        return { run_info: {} };
      case "runs/log-batch":
        this.#log(this.#run(body), body);
        return {};
      default:
        throw new Refusal(404, "ENDPOINT_NOT_FOUND");
    }
  }

  #create(body: Body): StoredRun {
    const tags = body["tags"] as { key: string; value: string }[];
    const run: StoredRun = {
      id: `run-${this.runs.length}`,
      name: body["run_name"] as string,
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
      params: new Map(),
      metrics: new Map(),
      status: "RUNNING",
    };
    this.runs.push(run);
    return run;
  }

  #run(body: Body): StoredRun {
    const run = this.runs.find(({ id }) => id === body["run_id"]);
    if (run === undefined) throw new Refusal(404, "RESOURCE_DOES_NOT_EXIST");
    return run;
  }

  #log(run: StoredRun, body: Body): void {
    const metrics = (body["metrics"] ?? []) as Metric[];
    const params = (body["params"] ?? []) as { key: string; value: string }[];
    if (metrics.length > 1000 || params.length > 100) invalid();
    for (const metric of metrics) {
      const { key, step, timestamp, value } = metric;
      if (!isName(key) || !Number.isInteger(timestamp) || !Number.isFinite(value)) invalid();
      run.metrics.set(`${key} ${step} ${timestamp} ${value}`, metric);
    }
    for (const { key, value } of params) {
      const isOther = run.params.has(key) && run.params.get(key) !== value;
      if (!isName(key) || value.length > 500 || isOther) invalid();
      run.params.set(key, value);
    }
  }
}

function isName(key: string): boolean {
  return /^[\w\-. /]{1,250}$/.test(key);
}

function invalid(): never {
  throw new Refusal(400, "INVALID_PARAMETER_VALUE");
}

async function bodyOf(request: IncomingMessage): Promise<Body> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? {} : (JSON.parse(text) as Body);
}
