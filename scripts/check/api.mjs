/** Checks that the published packages document and export every name of their API. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { readApi } from "../docs/api.mjs";
import { Stamp } from "../setup/stamp.mjs";
import { ROOT } from "../setup/step.mjs";

const PACKAGES = ["client", "core", "environments", "protocol", "puzzles"];

export async function checkApi() {
  const stamp = new Stamp("api", {
    inputs: [...PACKAGES.map((name) => `packages/${name}/src`), "scripts/docs"],
    pattern: /^(?!.*\.test\.ts$).*\.(ts|mjs)$/,
    settings: [readFileSync(join(ROOT, "typedoc.json"), "utf8")],
  });
  if (stamp.isFresh()) return { code: 0, note: "unchanged" };
  const { problems } = await readApi();
  if (problems.length === 0) stamp.write();
  return { code: problems.length, output: problems.join("\n") };
}
