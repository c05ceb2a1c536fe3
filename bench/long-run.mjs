/**
 * Makes a long run from a short one: its iterations again and again, with other numbers, group keys and blobs.
 * The coordinator reads it like any run that has ended.
 *
 *   node bench/long-run.mjs HOME/runs/short HOME/runs/long 10000
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";

import { groupKey, parseGroupKey, SubmitGroupRequest } from "@gumshoe/protocol";

const [from, to, count = "10000"] = process.argv.slice(2);
if (to === undefined) throw new Error("usage: long-run.mjs SHORT LONG [ITERATIONS]");
const name = basename(to);
const hash = (data) => createHash("sha256").update(data).digest("hex");
const digestOf = (version) => hash(`weights ${version}`);

const events = readFileSync(join(from, "ledger/events.jsonl"), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line.slice(9)));
const iterations = [];
let current = [];
for (const event of events) {
  if (event.body.type === "iteration-planned") current = [];
  current.push(event);
  if (event.body.type === "iteration-done") iterations.push(current);
}

for (const folder of ["ledger", "blobs", "rollouts"]) {
  mkdirSync(join(to, folder), { recursive: true });
}
const lines = [];
/** The newest weight version, and that at the beginning of the iteration. */
let version = 0;
let planned = 0;
let nowMs = events[0].at;
function write(body, afterMs) {
  nowMs += afterMs;
  const text = JSON.stringify({ n: lines.length + 1, at: nowMs, body });
  lines.push(`${hash(text).slice(0, 8)} ${text}\n`);
}

const weightsOf = (number) => ({ version: number, digest: digestOf(number) });

/** Copies a group under the key of another iteration; returns the name of its blob. */
function copyGroup(blob, key) {
  const request = SubmitGroupRequest.decode(readFileSync(join(from, "blobs", blob)));
  const weights = weightsOf(planned);
  const bytes = SubmitGroupRequest.encode({ ...request, groupKey: key, weights }).finish();
  writeFileSync(join(to, "blobs", hash(bytes)), bytes);
  return hash(bytes);
}

function copyRollouts(file, source, iteration) {
  const path = join(from, "rollouts", `${file(source)}.jsonl.gz`);
  if (!existsSync(path)) return;
  const text = gunzipSync(readFileSync(path)).toString();
  const moved = text.replaceAll(`{"group":"${source}/`, `{"group":"${iteration}/`);
  writeFileSync(join(to, "rollouts", `${file(iteration)}.jsonl.gz`), gzipSync(moved, { level: 1 }));
}

/** Changes an event of a short run's iteration into one of another iteration. */
function moved(body, iteration) {
  switch (body.type) {
    case "group-done": {
      const { kind, index } = parseGroupKey(body.groupKey);
      const key = groupKey(iteration, kind, index);
      return { ...body, groupKey: key, blob: copyGroup(body.blob, key) };
    }
    case "update-done": {
      const update = version++;
      return { ...body, iteration, update, weights: weightsOf(version) };
    }
    case "iteration-planned":
      planned = version;
      return { ...body, iteration, weights: weightsOf(planned) };
    case "iteration-done": {
      const wave = 1 + 0.2 * Math.sin(iteration / 300);
      const values = Object.entries(body.metrics).map(([key, value]) => [key, value * wave]);
      return { ...body, iteration, metrics: { ...Object.fromEntries(values), logprobGapMax: 0 } };
    }
    default:
      return { ...body, iteration };
  }
}

const { config, inputs } = events[0].body;
const longConfig = { ...config, name, iterations: Number(count) };
writeFileSync(join(to, "config.json"), JSON.stringify(longConfig));
write({ type: "run-submitted", config: longConfig, inputs }, 0);
write({ type: "run-started", weights: weightsOf(0) }, 10);
const KINDS = ["checkpoint-written", "example"];
for (let i = 0; i < Number(count); i++) {
  const source = i % iterations.length;
  let lastMs = iterations[source][0].at;
  for (const { at, body } of iterations[source]) {
    if (!KINDS.includes(body.type)) write(moved(body, i), at - lastMs);
    lastMs = at;
  }
  copyRollouts((iteration) => iteration, source, i);
  copyRollouts((iteration) => `validation-${iteration}`, source, i);
}
const result = events.at(-1).body.result;
write(
  {
    type: "run-done",
    result: {
      ...result,
      run: name,
      weightsDigest: digestOf(version),
      iterations: Number(count),
      updates: version,
    },
  },
  10,
);
writeFileSync(join(to, "ledger/events.jsonl"), lines.join(""));
process.stdout.write(`${lines.length} events\n`);
