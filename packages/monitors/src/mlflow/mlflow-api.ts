import { z } from "zod";

/** Time for the server to answer one request, in ms. */
const ANSWER_WITHIN_MS = 20_000;

/** Where the server is, and how to log in. */
export interface MlflowSettings {
  /** URL of the tracking server, without a slash at its end. */
  readonly url: string;
  readonly experiment: string;
  /** Header `authorization`; null for none. */
  readonly authorization: string | null;
}

/** Thrown when the server answers with an error. */
class MlflowRefusal extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Calls the REST API of MLflow's tracking server, version 2.0. */
export class MlflowApi {
  readonly #settings: MlflowSettings;

  constructor(settings: MlflowSettings) {
    this.#settings = settings;
  }

  /** Returns the id of the experiment, which is created if there is none of this name. */
  async experimentId(): Promise<string> {
    const name = this.#settings.experiment;
    const found = await this.#experimentByName(name);
    if (found !== null) return found;
    const created = z.object({ experiment_id: z.string() });
    try {
      return created.parse(await this.#call("POST", "experiments/create", { name })).experiment_id;
    } catch (error) {
      if (!isRefusal(error, "RESOURCE_ALREADY_EXISTS")) throw error;
      const other = await this.#experimentByName(name);
      if (other !== null) return other;
      throw new Error(`experiment ${name} was deleted: restore it, or name another`, {
        cause: error,
      });
    }
  }

  /** Returns the id of the run with a tag; null for none. */
  async findRun(experimentId: string, tag: string, value: string): Promise<string | null> {
    const answer = z.object({
      runs: z.array(z.object({ info: z.object({ run_id: z.string() }) })).default([]),
    });
    const body = await this.#call("POST", "runs/search", {
      experiment_ids: [experimentId],
      filter: `tags.${tag} = '${value}'`,
      max_results: 1,
    });
    return answer.parse(body).runs[0]?.info.run_id ?? null;
  }

  /** Creates a run; returns its id. */
  async createRun(run: object): Promise<string> {
    const answer = z.object({ run: z.object({ info: z.object({ run_id: z.string() }) }) });
    return answer.parse(await this.#call("POST", "runs/create", run)).run.info.run_id;
  }

  async updateRun(change: { run_id: string; status: string; end_time?: number }): Promise<void> {
    await this.#call("POST", "runs/update", change);
  }

  async logBatch(batch: { run_id: string; metrics?: object[]; params?: object[] }): Promise<void> {
    await this.#call("POST", "runs/log-batch", batch);
  }

  async #experimentByName(name: string): Promise<string | null> {
    const answer = z.object({
      experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string().optional() }),
    });
    const query = `experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`;
    try {
      const { experiment } = answer.parse(await this.#call("GET", query));
      return experiment.lifecycle_stage === "deleted" ? null : experiment.experiment_id;
    } catch (error) {
      if (isRefusal(error, "RESOURCE_DOES_NOT_EXIST")) return null;
      throw error;
    }
  }

  async #call(method: "GET" | "POST", path: string, body?: object): Promise<unknown> {
    const { url, authorization } = this.#settings;
    const response = await fetch(`${url}/api/2.0/mlflow/${path}`, {
      method,
      headers: {
        "content-type": "application/json",
        ...(authorization === null ? {} : { authorization }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    const text = await response.text();
    if (response.ok) return JSON.parse(text);
    const refusal = z.object({ error_code: z.string(), message: z.string().default("") });
    const known = refusal.safeParse(jsonOrNull(text)).data;
    const message = known?.message.slice(0, 200) ?? "";
    throw new MlflowRefusal(known?.error_code ?? "", `it answered ${response.status} ${message}`);
  }
}

function isRefusal(error: unknown, code: string): boolean {
  return error instanceof MlflowRefusal && error.code === code;
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
