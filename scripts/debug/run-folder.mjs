/** The contents of a run's folder: config, submitted groups, texts. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

import {
  bytesToFloats,
  bytesToTokens,
  SubmitGroupRequest,
} from "../../packages/protocol/dist/index.js";
import { SetUpError } from "../setup/step.mjs";

/** Parses a group key, e.g. `3/train/7`. */
export function partsOf(key) {
  const [, iteration, kind, index] = /^(\d+)\/(train|validation|report)\/(\d+)$/.exec(key) ?? [];
  if (kind === undefined) throw new SetUpError(`${key} is no group key, such as 3/train/7`);
  return { iteration: Number(iteration), kind, index: Number(index) };
}

/** A run's folder, e.g. `.gumshoe/runs/first`. */
export class RunFolder {
  constructor(folder) {
    if (!existsSync(join(folder, "config.json"))) throw new SetUpError(`${folder} holds no run`);
    this.folder = folder;
    this.config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
    const lines = readFileSync(join(folder, "ledger/events.jsonl"), "utf8").split("\n");
    // Skip the checksum at the beginning of a line.
    this.events = lines.slice(0, -1).map((line) => JSON.parse(line.slice(line.indexOf("{"))).body);
  }

  /** Returns the last submission of a group: its answers as tokens, log-probs and rewards. */
  group(key) {
    const event = this.events.findLast((one) => one.type === "group-done" && one.groupKey === key);
    if (event === undefined) throw new SetUpError(`the ledger has no group ${key}`);
    const bytes = readFileSync(join(this.folder, "blobs", event.blob));
    return SubmitGroupRequest.decode(bytes).rollouts.map(
      ({ tokens, logprobs, reward, finish }) => ({
        tokens: bytesToTokens(tokens),
        logprobs: bytesToFloats(logprobs),
        reward: reward ?? null,
        finish,
      }),
    );
  }

  /** Returns the prompt of a group as text. */
  prompt(key) {
    const file = join(this.folder, "rollouts", `${partsOf(key).iteration}.jsonl.gz`);
    if (!existsSync(file)) throw new SetUpError(`${file} is not there: the iteration is not done`);
    const lines = gunzipSync(readFileSync(file)).toString("utf8").trim().split("\n");
    const found = lines.map((line) => JSON.parse(line)).find(({ group }) => group === key);
    if (found === undefined) throw new SetUpError(`${file} has no group ${key}`);
    return found.prompt;
  }

  /** Returns the model folder with the weights that an iteration's groups were sampled from. */
  weightsOf(iteration) {
    if (iteration === 0) return this.config.model;
    const checkpoint = join(this.folder, "checkpoints", String(iteration));
    if (existsSync(checkpoint)) return checkpoint;
    throw new SetUpError(
      `the weights of iteration ${iteration} are not on disk: run again with checkpoint.every: 1 and a large keepLatest`,
    );
  }
}
