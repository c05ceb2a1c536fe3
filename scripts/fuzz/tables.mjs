/** Files of questions with their answers, in each format, and replies to their graders. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { openEnvironment } from "@gumshoe/environments";
import { taskToJson } from "@gumshoe/puzzles";
import { parquetWriteBuffer } from "hyparquet-writer";

import {
  ANSWER_GRADERS,
  gradeAnswer,
} from "../../packages/environments/dist/table/answer-graders.js";
import { decompressZstd } from "../../packages/environments/dist/zstd/decompress-zstd.js";
import { bytesOf, jsonOf, makeFolder } from "./files.mjs";

/** Frames that the program zstd made. */
const FRAMES = jsonOf("test/golden/parquet/frames.json");
const RECORDS = [
  { prompt: "What is 6 x 7?", answer: "42" },
  { prompt: 'Say "a, b"\nand c.', answer: "1,000.5" },
];
const JSON_TEXTS = [JSON.stringify(RECORDS), RECORDS.map((one) => JSON.stringify(one)).join("\n")];

function separated(delimiter) {
  const quoted = (text) => `"${text.replaceAll('"', '""')}"`;
  const rows = RECORDS.map(({ prompt, answer }) => [prompt, answer].map(quoted).join(delimiter));
  return [["prompt", "answer"].join(delimiter), ...rows].join("\r\n");
}

function parquet(codec) {
  const column = (name) => ({ name, type: "STRING", data: RECORDS.map((one) => one[name]) });
  const columnData = [column("prompt"), column("answer")];
  return new Uint8Array(parquetWriteBuffer({ columnData, codec }));
}

/** Files that pyarrow wrote with Zstandard, which the writer above does not know. */
const ZSTD_FILES = ["zstd.parquet", "zstd-v2.parquet"];

/** A parser of files of one format; `make` returns the content of one. */
function table(name, extension, make, columns = {}) {
  return {
    name,
    open: async () => {
      const folder = makeFolder();
      const file = join(folder.path, `records${extension}`);
      const source = { type: "file", file, grader: { type: "number" }, ...columns };
      const run = { name: "a", type: "grpo", model: "m", tasks: { source } };
      const config = parseRunConfig(JSON.stringify(run));
      return {
        words: [
          "prompt",
          "answer",
          "__proto__",
          '""',
          '"\n"',
          ",",
          "\t",
          "\r\n",
          "\uFEFF",
          "[{",
          "},{",
        ],
        make,
        isFenced: extension === ".parquet",
        read: async (content) => {
          writeFileSync(file, content);
          const environment = await openEnvironment(config, "train");
          try {
            const task = await environment.source({ seed: 1 }).task(0);
            environment.readTask(taskToJson(task));
          } finally {
            await environment.close();
          }
        },
        close: () => folder.remove(),
      };
    },
  };
}

const graders = {
  name: "answer-graders",
  open: async () => ({
    words: ["</think>", "B", "(C)", "1,000", "-2.5e-3", ".", "E", "ﬁ", "’"],
    make: (mutator) => mutator.text(["<think>6 x 7 = 42</think>\nIt is 42.", "The answer is (C)."]),
    read: (reply) => {
      for (const name of Object.keys(ANSWER_GRADERS)) {
        const { reward } = gradeAnswer(name, "C 42", reply);
        if (reward !== 0 && reward !== 1) throw new Error(`gives the reward ${reward}`);
      }
    },
  }),
};

export const TABLES = [
  table("tables-json", ".jsonl", (mutator) =>
    mutator.chance(0.5) ? mutator.json([RECORDS]) : mutator.text(JSON_TEXTS),
  ),
  table("tables-csv", ".csv", (mutator) => mutator.text([separated(",")])),
  table("tables-tsv", ".tsv", (mutator) => mutator.text([separated("\t")])),
  table("tables-parquet", ".parquet", (mutator) =>
    mutator.chance(0.1)
      ? mutator.bytes()
      : mutator.changedBytes(parquet(mutator.chance(0.5) ? "UNCOMPRESSED" : "SNAPPY")),
  ),
  table(
    "tables-parquet-zstd",
    ".parquet",
    (mutator) => mutator.changedBytes(bytesOf(`test/golden/parquet/${mutator.one(ZSTD_FILES)}`)),
    { prompt: "question" },
  ),
  {
    name: "zstd",
    open: async () => ({
      words: [],
      make: (mutator) => {
        const frame = mutator.one(FRAMES);
        return {
          bytes: frame.bytes,
          input: mutator.changedBytes(Buffer.from(frame.frame, "base64")),
        };
      },
      read: ({ bytes, input }) => {
        const { length } = decompressZstd(input, bytes);
        if (length !== bytes) throw new Error(`gives ${length} bytes`);
      },
    }),
  },
  graders,
];
