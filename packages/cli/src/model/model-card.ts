import { readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import {
  parsePinnedModel,
  type RunConfig,
  runSources,
  type SingleSourceConfig,
} from "@gumshoe/config";
import { RunEventBody, type RunEventOf } from "@gumshoe/protocol";

/** What is known of a checkpoint that is uploaded. */
export interface CheckpointFacts {
  readonly run: string | null;
  readonly config: RunConfig | null;
  readonly iteration: number | null;
  readonly digest: string | null;
  /** Mean rewards of the validations, by iterations done. */
  readonly validations: readonly {
    iteration: number;
    reward: number;
    low: number;
    high: number;
    count: number;
  }[];
  /** The run's report on these weights; null for none, or for one on others. */
  readonly report: { reward: number; low: number; high: number; count: number } | null;
}

/** Reads what a folder, and the run that it lies in, say about a checkpoint. */
export function readCheckpointFacts(folder: string): CheckpointFacts {
  const manifest = readJson(join(folder, "manifest.json")) as {
    iteration?: number;
    digest?: string;
  } | null;
  const isInRun = basename(dirname(folder)) === "checkpoints";
  const runFolder = isInRun ? dirname(dirname(folder)) : folder;
  const config = isInRun ? (readJson(join(runFolder, "config.json")) as RunConfig | null) : null;
  const results = isInRun ? readResults(join(runFolder, "ledger", "events.jsonl")) : [];
  const report = results.find((event) => event.type === "report-done");
  return {
    run: config?.name ?? null,
    config,
    iteration: manifest?.iteration ?? null,
    digest: manifest?.digest ?? null,
    validations: results.filter((event) => event.type === "validation-done"),
    report: report?.weights.digest === manifest?.digest ? (report ?? null) : null,
  };
}

/** Writes the model card: its metadata, then what made the model. */
export function modelCard(name: string, facts: CheckpointFacts): string {
  const { run, config, iteration, digest, validations, report } = facts;
  const base = config === null ? null : parsePinnedModel(config.model);
  // The config of a run of an earlier version has no such field.
  const lora = config?.lora ?? null;
  const lines = [
    "---",
    `library_name: ${lora === null ? "transformers" : "peft"}`,
    "pipeline_tag: text-generation",
    "tags: [gumshoe, reinforcement-learning]",
    ...(base === null ? [] : [`base_model: ${base.name}`]),
    "---",
    "",
    `# ${name.split("/")[1] ?? name}`,
    "",
    lora === null
      ? "Trained by Gumshoe. Transformers and vLLM load this folder as it is."
      : `A LoRA adapter of rank ${lora.rank}, trained by Gumshoe. PEFT and vLLM load this folder as it is.`,
    "",
    ...(run === null ? [] : [`- run: ${run}`]),
    ...(iteration === null ? [] : [`- iterations: ${iteration}`]),
    ...(digest === null ? [] : [`- weights digest: \`${digest}\``]),
    ...(base === null ? [] : [`- started from: ${base.name} at ${base.commit}`]),
    ...(config === null
      ? []
      : [`- method: ${config.type}, seed ${config.seed}`, `- data: ${dataOf(config)}`]),
  ];
  const known = validations.filter(
    ({ count, iteration: at }) => count > 0 && at <= (iteration ?? at),
  );
  if (known.length > 0) {
    lines.push(
      "",
      "| iterations | reward on held-out cases | 95 % | cases |",
      "| --- | --- | --- | --- |",
    );
    for (const { iteration: at, reward, low, high, count } of known) {
      lines.push(
        `| ${at} | ${reward.toFixed(3)} | ${low.toFixed(3)} to ${high.toFixed(3)} | ${count} |`,
      );
    }
  }
  if (report !== null && report.count > 0) {
    const { reward, low, high, count } = report;
    const range = `95 %: ${low.toFixed(3)} to ${high.toFixed(3)}`;
    lines.push(
      "",
      `Reward on ${count} cases that it was neither trained nor chosen by: ${reward.toFixed(3)} (${range}).`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** What was trained on, without the paths of this machine. */
function dataOf(config: RunConfig): string {
  return runSources(config, "train")
    .map(({ source }) => describeSource(source))
    .join("; ");
}

function describeSource(source: SingleSourceConfig): string {
  switch (source.type) {
    case "dataset":
      return `dataset ${basename(source.file)}`;
    case "file":
      return `questions of ${basename(source.file)}`;
    case "http":
      return `a server of tasks, seed ${source.seed}`;
    case "module":
      return `module ${basename(source.module)}, seed ${source.seed}`;
    default:
      return JSON.stringify(source);
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

/** A line of a ledger is a checksum of 8 digits, a space and the event. */
function readResults(ledger: string): RunEventOf<"validation-done" | "report-done">[] {
  let text: string;
  try {
    text = readFileSync(ledger, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").flatMap((line) => {
    if (!/"(?:validation|report)-done"/.test(line)) return [];
    try {
      const { body } = JSON.parse(line.slice(9)) as { body: unknown };
      const event = RunEventBody.parse(body);
      return event.type === "validation-done" || event.type === "report-done" ? [event] : [];
    } catch {
      return [];
    }
  });
}
