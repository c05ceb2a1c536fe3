/** Files and options that the command reads: those of runs, models in words, requests to score, fields of a config. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { ClusterError, InvalidArgumentError } from "@gumshoe/core";
import { checkRunConfig } from "@gumshoe/config";

import { configField, isoDate } from "../../packages/cli/dist/commands/options.js";
import { parseScoreRequests } from "../../packages/cli/dist/eval/score-answers.js";
import { describeModel } from "../../packages/cli/dist/model/describe-model.js";
import { readAnswers, readMetrics, readRunConfig } from "../../packages/cli/dist/run/run-files.js";
import { setFields } from "../../packages/config/dist/set-fields.js";
import { readMonitors } from "../../packages/monitors/dist/monitor-settings.js";
import { jsonOf, makeFolder, readAll } from "./files.mjs";

/** Options are refused by an error of the library that reads the command line. */
const isOptionRefusal = (thrown) => thrown?.code === "commander.invalidArgument";
const isRefusal = (thrown) => thrown instanceof ClusterError;

/** Converts the refusal of an option. */
function asRefusal(read) {
  try {
    return read();
  } catch (thrown) {
    throw isOptionRefusal(thrown) ? new InvalidArgumentError("option", thrown.message) : thrown;
  }
}

const runFiles = {
  name: "run-files",
  open: async () => {
    const folder = makeFolder();
    mkdirSync(join(folder.path, "rollouts"));
    const metrics = { iteration: 0, updates: 1, meanReward: 0.5 };
    const answer = {
      group: "0/train/0",
      task: "mini-1",
      rollout: 0,
      weights: 0,
      prompt: "p",
      reply: "r",
      answer: "a",
      reward: null,
      finish: "stop",
      tokens: 3,
    };
    return {
      words: ['"iteration":', "\n", "1e999", '{"group":"0/train/0"'],
      make: (mutator) => ({
        metrics: mutator.chance(0.5) ? mutator.json([metrics]) : mutator.text([]),
        answer: mutator.json([answer]),
        isDamaged: mutator.chance(0.1),
      }),
      read: async ({ metrics: line, answer: row, isDamaged }) => {
        writeFileSync(join(folder.path, "metrics.jsonl"), `${line}\n`);
        writeFileSync(join(folder.path, "config.json"), line);
        const bytes = gzipSync(`${row}\n`);
        const file = join(folder.path, "rollouts", "0.jsonl.gz");
        writeFileSync(file, isDamaged ? bytes.subarray(0, bytes.length - 9) : bytes);
        await readAnswers(folder.path, "0", null);
        readAll([() => readMetrics(folder.path), () => readRunConfig(folder.path)], isRefusal);
      },
      close: () => folder.remove(),
    };
  },
};

const describedModels = {
  name: "described-models",
  open: async () => {
    const folder = makeFolder();
    const config = jsonOf("test/golden/qwen2-tied/config.json");
    const header = { a: { dtype: "F32", shape: [2], data_offsets: [0, 8] } };
    const write = (name, data) => writeFileSync(join(folder.path, name), data);
    return {
      words: ["dtype", "shape", "__metadata__", "architectures", "model_type"],
      make: (mutator) => ({ config: mutator.json([config]), header: mutator.json([header]) }),
      read: async (files) => {
        write("config.json", files.config);
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(Buffer.byteLength(files.header)));
        write("model.safetensors", Buffer.concat([length, Buffer.from(files.header)]));
        await describeModel(folder.path);
      },
      close: () => folder.remove(),
    };
  },
};

const scoreRequests = {
  name: "score-requests",
  open: async () => {
    const valid = [
      { prompt: "p", answer: "a" },
      { promptIds: [1, 2], answerIds: [3] },
    ];
    return {
      words: ["promptIds", "answerIds", "\n"],
      make: (mutator) => (mutator.chance(0.7) ? mutator.json(valid) : mutator.text([])),
      read: (text) => parseScoreRequests(text),
    };
  },
};

const options = {
  name: "options",
  open: async () => {
    const valid = [
      "rollouts.perTask=8",
      "optimizer.lr=1e-5",
      "name=x",
      "stopWhen={}",
      "2026-11-28",
    ];
    const config = {
      name: "x",
      type: "grpo",
      model: "m",
      tasks: { source: { type: "generate", tier: "mini" }, perIteration: 2 },
    };
    return {
      words: ["rollouts", "__proto__", "constructor", "=", ".", '{"a":', "tensorboard", "mlflow"],
      make: (mutator) => mutator.text(valid),
      read: (text) =>
        readAll(
          [
            () =>
              checkRunConfig(
                setFields(
                  config,
                  asRefusal(() => configField(text)),
                ),
              ),
            () => asRefusal(() => isoDate(text)),
            () => readMonitors({ GUMSHOE_MONITORS: text }),
            () => readMonitors({ GUMSHOE_MONITORS: "mlflow", MLFLOW_TRACKING_URI: text }),
          ],
          isRefusal,
        ),
    };
  },
};

export const COMMANDS = [runFiles, describedModels, scoreRequests, options];
