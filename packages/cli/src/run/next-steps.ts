import { isAbsolute } from "node:path";

import type { RunConfig, RunResult, TaskSourceConfig } from "@gumshoe/config";

import { shortPath } from "../terminal/short-path.js";
import { shownCommand } from "../terminal/shown-command.js";

/** The finished command with its options, for consistent next commands. */
export interface GivenCommand {
  /** `run` had its own cluster; `submit` and `watch` used a running one. */
  readonly kind: "run" | "submit" | "watch";
  /** Config file that was named; null for none. */
  readonly configFile: string | null;
  /** Options that identify run and cluster, as given, e.g. `--home x`. */
  readonly cluster: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Folder that displayed paths are relative to. */
  readonly workingFolder: string;
}

/** Lists possible commands after a run, in order of usefulness. */
export function nextSteps(result: RunResult, config: RunConfig, given: GivenCommand): string[] {
  const { kind, env, workingFolder } = given;
  const show = (...words: string[]) => shownCommand(env, words);
  const isHere = kind === "run";
  const model = isHere ? shortPath(result.checkpoint, workingFolder) : `models/${result.run}`;
  const fetch = isHere ? [] : [show("download", result.run, "--out", model, ...given.cluster)];
  const trained =
    config.lora === null
      ? ["--model", model]
      : ["--model", baseOf(config, workingFolder), "--adapter", model];
  return [...fetch, ...evalSteps(config, trained, show), ...againSteps(result, given)];
}

/** A path that is as short as possible, or a name on the hub. */
function baseOf({ model }: RunConfig, workingFolder: string): string {
  return isAbsolute(model) ? shortPath(model, workingFolder) : model;
}

/** Evaluates the model on new cases of the kind it was trained on; not available for modules. */
function evalSteps(
  config: RunConfig,
  model: readonly string[],
  show: (...words: string[]) => string,
): string[] {
  const source = sourceOf(config);
  switch (source.type) {
    case "generate": {
      const tier = lastTier(config) ?? source.tier;
      const style = source.style === "clear" ? [] : ["--style", source.style];
      const make = [
        "puzzle",
        "generate",
        "--tier",
        tier,
        ...style,
        "--count",
        "200",
        "--seed",
        "5",
      ];
      return [show(...make, "--out", "cases.json"), show("eval", ...model, "--data", "cases.json")];
    }
    case "dataset":
      return [show("eval", ...model, "--data", source.file)];
    case "zebra":
    case "module":
    case "file":
    case "http":
    case "mix":
      return [];
    default:
      return source satisfies never;
  }
}

/** Repeats the run with other workers, which ends with the same weights. */
function againSteps({ run }: RunResult, given: GivenCommand): string[] {
  const { kind, configFile, cluster, env, workingFolder } = given;
  if (configFile === null) return [];
  const config = shortPath(configFile, workingFolder);
  const note = "   # the same digest";
  if (kind === "run") {
    const words = ["run", config, ...cluster, "--fresh", "--inference", "2", "--trainers", "2"];
    return [shownCommand(env, words) + note];
  }
  const again = `${run.slice(0, 55)}-again`;
  return [shownCommand(env, ["submit", config, "--name", again, ...cluster, "--watch"]) + note];
}

function sourceOf(config: RunConfig): TaskSourceConfig {
  return config.type === "grpo" ? config.tasks.source : config.examples.source;
}

function lastTier(config: RunConfig): string | null {
  return config.type === "grpo" ? (config.tasks.curriculum?.tiers.at(-1) ?? null) : null;
}
