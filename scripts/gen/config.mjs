/** Generates what is made from the schemas of run configs: docs/config.md and runs/run.schema.json. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { format } from "prettier";

import { ROOT } from "../setup/step.mjs";
import { configPage } from "./config-page.mjs";

/** What the files should hold, by path. */
async function expected() {
  const { runFileSchema } = await import("../../packages/config/dist/index.js");
  const schema = runFileSchema();
  const { printWidth } = JSON.parse(readFileSync(join(ROOT, ".prettierrc.json"), "utf8"));
  const pretty = (text, parser) => format(text, { parser, printWidth });
  return {
    "docs/config.md": await pretty(configPage(schema), "markdown"),
    "runs/run.schema.json": await pretty(JSON.stringify(schema), "json"),
  };
}

/** Writes both files. */
export async function writeConfigFiles() {
  for (const [path, text] of Object.entries(await expected())) {
    writeFileSync(join(ROOT, path), text);
  }
}

/** Lists those of them that are missing or differ from what the schemas say. */
export async function staleConfigFiles() {
  const files = Object.entries(await expected());
  return files.filter(([path, text]) => text !== read(path)).map(([path]) => path);
}

function read(path) {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch {
    return null;
  }
}
