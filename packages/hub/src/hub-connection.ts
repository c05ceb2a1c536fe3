import type * as Library from "@huggingface/hub";
import { ClusterError, errorMessage } from "@gumshoe/core";

import { type HubRepo, repoPath, repoText } from "./cache.js";
import { HubAwayError, HubRefusedError } from "./errors.js";
import type { HubSettings } from "./settings.js";

/** The hub's client library and the options that every call needs. */
export interface HubCall {
  readonly library: typeof Library;
  readonly common: {
    readonly hubUrl: string;
    readonly accessToken: string | undefined;
    readonly fetch: typeof fetch;
  };
}

/** Loads the hub's client library lazily, because most commands never use the network. */
export async function connectHub(
  { endpoint, token }: HubSettings,
  signal?: AbortSignal,
): Promise<HubCall> {
  const library = await import("@huggingface/hub");
  const abortable: typeof fetch = (input, init) =>
    fetch(input, signal === undefined ? init : { ...init, signal });
  return {
    library,
    common: { hubUrl: endpoint, accessToken: token ?? undefined, fetch: abortable },
  };
}

/** What was asked of the hub, for messages. */
export interface HubQuestion {
  readonly settings: HubSettings;
  readonly repo: HubRepo;
  readonly revision: string | null;
  readonly signal?: AbortSignal | undefined;
}

/** Translates errors of the hub's client library. */
export function hubError(thrown: unknown, asked: HubQuestion): unknown {
  const { settings, repo, revision, signal } = asked;
  if (signal?.aborted === true) return signal.reason;
  if (thrown instanceof ClusterError) return thrown;
  const status = (thrown as { statusCode?: unknown } | null)?.statusCode;
  // The library appends the URL, whose query contains words such as `gated`.
  const message = errorMessage(thrown).replace(/\. URL: .*$/s, "");
  if (typeof status !== "number")
    return new HubAwayError(settings.endpoint, reachProblem(thrown), thrown);
  if (status === 429 || status >= 500) {
    return new HubAwayError(settings.endpoint, `answers ${status}`, thrown);
  }
  return new HubRefusedError(
    repoText(repo, revision),
    refusal(status, message, asked),
    "INVALID_ARGUMENT",
    status,
  );
}

function reachProblem(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  return `cannot be reached: ${errorMessage(cause)}; with HF_HUB_OFFLINE=1 only what was fetched before is used`;
}

function refusal(status: number, message: string, { settings, repo }: HubQuestion): string {
  const { endpoint, token } = settings;
  const page = `${endpoint}/${repoPath(repo)}`;
  const tokens = `a token of ${endpoint}/settings/tokens in HF_TOKEN`;
  if (/gated|restricted|awaiting/i.test(message) || status === 403) {
    const ask = `ask for access at ${page}`;
    return `is gated or not open to this account: ${ask}${token === null ? `, then name ${tokens}` : ""}`;
  }
  if (status === 401) {
    return token === null
      ? `is not on ${endpoint}, or is private or gated: look at ${page}; what is not public needs ${tokens}`
      : `is not on ${endpoint} for the account of the token, or the token (HF_TOKEN) is not valid: look at ${page}`;
  }
  if (status === 404) {
    return /revision|rev id/i.test(message)
      ? `has no such revision: look at ${page}/tree/main`
      : `is not on ${endpoint}: look at ${endpoint}/${repo.kind}s`;
  }
  return `the hub answers ${status}: ${message.slice(0, 200)}`;
}
