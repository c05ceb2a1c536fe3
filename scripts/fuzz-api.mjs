/**
 * `npm run fuzz:api`: calls the JSON API with what schemathesis makes of its OpenAPI document, on a real
 * coordinator that holds a run. Needs a Python with schemathesis.
 *
 * - First every parameter is free, so that most runs are unknown; then path parameters lead to groups of the run.
 * - The live streams are left out, because they do not end.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

import { CoordinatorProcess, TOKEN } from "./hostile/coordinator.mjs";
import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, SetUpError } from "./setup/step.mjs";

const HELP = `Usage: npm run fuzz:api -- [options]

Options:
  --python <path>    a Python with schemathesis (default: python3)
  --examples <n>     cases for each operation and pass (default: 100)
  --seed <n>         of the cases (default: 1)
  --home <folder>    a home with the run "tiny" (default: the run is made)
  --help             show this

To install it: python3 -m venv VENV && VENV/bin/pip install schemathesis`;

const CHECKS = [
  "not_a_server_error",
  "status_code_conformance",
  "content_type_conformance",
  "response_schema_conformance",
  "ignored_auth",
  "unsupported_method",
];

/** A pass with free parameters, and two whose path parameters lead to groups of the run. */
const PASSES = ["", placeOf("train"), placeOf("validation")];

function placeOf(kind) {
  const values = { run: "tiny", iteration: "0", kind, group: "1", index: "0" };
  const lines = Object.entries(values).map(([name, value]) => `"path.${name}" = "${value}"`);
  return ["[parameters]", ...lines, '"query.runs" = "tiny"', ""].join("\n");
}

function makeRun(home) {
  process.stderr.write("training the run of test/cluster/tiny.yaml\n");
  const gumshoe = join(ROOT, "packages/cli/bin/gumshoe.js");
  const words = ["run", join(ROOT, "test/cluster/tiny.yaml"), "--home", home];
  const { status, stderr } = spawnSync(process.execPath, [gumshoe, ...words], { encoding: "utf8" });
  if (status !== 0) throw new SetUpError(stderr);
}

/** Runs one pass; returns whether it found nothing. */
function fuzz({ python, examples, seed }, url, folder, config) {
  const file = join(folder, "schemathesis.toml");
  writeFileSync(file, config);
  const words = ["--config-file", file, "run", `${url}/api/openapi.json`];
  const { status, error } = spawnSync(
    python,
    [
      ...["-c", "from schemathesis.cli import schemathesis; schemathesis()"],
      ...[...words, "--checks", CHECKS.join(",")],
      ...["--header", `Authorization: Bearer ${TOKEN}`],
      ...["--exclude-operation-id-regex", "^(live|runLive)$"],
      ...["--max-examples", examples, "--seed", seed, "--continue-on-failure", "--no-color"],
      ...["--phases", "coverage,fuzzing", "--suppress-health-check", "all"],
    ],
    { cwd: folder, stdio: "inherit" },
  );
  if (error !== undefined) throw new SetUpError(`${python}: ${error.message}`);
  return status === 0;
}

await main(async () => {
  const { values } = parseArgs({
    options: {
      python: { type: "string", default: "python3" },
      examples: { type: "string", default: "100" },
      seed: { type: "string", default: "1" },
      home: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  await setUp({ redis: true });
  const folder = mkdtempSync(join(tmpdir(), "gumshoe-fuzz-api-"));
  try {
    const home = values.home ?? join(folder, "home");
    if (values.home === undefined) makeRun(home);
    const coordinator = await CoordinatorProcess.start({ GUMSHOE_HOME: home });
    try {
      const url = `http://${coordinator.httpAddress}`;
      const passes = PASSES.map((config) => fuzz(values, url, folder, config));
      return passes.every((isClean) => isClean) ? 0 : 1;
    } finally {
      await coordinator.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
