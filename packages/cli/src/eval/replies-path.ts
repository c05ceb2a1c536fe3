import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";

import type { AdaptedFolders } from "@gumshoe/serve";

import type { SamplingOptions } from "./answer-source.js";
import type { EvaluatedTasks } from "./evaluated-tasks.js";
import type { RepliesIdentity } from "./replies-file.js";
import type { FieldSettings } from "./request-fields.js";

/** Files of a model folder that affect its answers. */
const MODEL_FILE = /\.(safetensors|json|jinja|txt|model)$/;

/** Identifies the replies of an endpoint: cases, address and sampling options. */
export function endpointIdentity(
  tasks: EvaluatedTasks,
  sampling: SamplingOptions,
  asked: { endpoint: string; model: string | null; fields: FieldSettings },
): RepliesIdentity {
  const { endpoint, model, fields } = asked;
  const { omitted, extra } = fields;
  return {
    ...common(tasks, sampling),
    endpoint,
    model,
    omitted: [...omitted].sort(),
    extra,
  };
}

/** Identifies the replies of a model folder, and of the adapter on it, by the bytes of their files. */
export async function modelIdentity(
  tasks: EvaluatedTasks,
  sampling: SamplingOptions,
  { folder, adapter }: AdaptedFolders,
): Promise<RepliesIdentity> {
  const hash = createHash("sha256");
  for (const dir of adapter === null ? [folder] : [folder, adapter]) {
    for (const name of (await readdir(dir)).filter((file) => MODEL_FILE.test(file)).sort()) {
      hash.update(`${name}\n`);
      await pipeline(createReadStream(join(dir, name)), hash, { end: false });
    }
  }
  return { ...common(tasks, sampling), model: hash.digest("hex") };
}

/** Returns the path of a new file in the home, named after time and data. */
export function newRepliesPath(home: string, data: string, nowMs: number): string {
  const time = new Date(nowMs).toISOString().slice(0, 19).replaceAll(":", "-");
  const stem = join(home, "evals", `${time}-${basename(data).replace(/\.(jsonl?|ya?ml)$/, "")}`);
  for (let i = 1; ; i++) {
    const path = `${stem}${i === 1 ? "" : `-${i}`}.jsonl`;
    if (!existsSync(path)) return path;
  }
}

/**
 * Excludes the limit of cases: it may grow, and existing answers are not requested again. Restrictions of sampling are
 * included where they are set.
 */
function common(tasks: EvaluatedTasks, sampling: SamplingOptions): RepliesIdentity {
  const { samples, temperature, maxAnswerTokens, seed, limits, turns } = sampling;
  const shared = { cases: tasks.digest, samples, temperature, maxAnswerTokens, seed, ...limits };
  return turns === undefined ? shared : { ...shared, turns };
}
