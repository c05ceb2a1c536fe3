/** Run configs: YAML as people write them, and JSON. */
import { checkRunConfig, parseRunConfig } from "@gumshoe/config";

import { parseJson, textOf } from "./files.mjs";

const FILES = ["runs/first.yaml", "runs/exact.yaml", "test/cluster/tiny.yaml"];
const YAML = ["&a", "*a", "<<: ", "!!js ", "? ", "--- ", "%TAG ! ", "|\n ", ">-\n  "];

const texts = FILES.map(textOf);
const words = [...texts.flatMap((text) => text.match(/\w+:? ?/g)), ...YAML];
const values = texts.map((text) => parseRunConfig(text, { name: "x" }));

const yaml = {
  name: "yaml-configs",
  open: async () => ({
    words,
    make: (mutator) => mutator.text(texts),
    read: (text) => parseRunConfig(text, { fileName: "runs/x.yaml" }),
  }),
};

const json = {
  name: "json-configs",
  open: async () => ({
    words,
    make: (mutator) => mutator.json(values),
    read: (text) => {
      parseJson(text, checkRunConfig);
      parseRunConfig(text);
    },
  }),
};

export const CONFIGS = [yaml, json];
