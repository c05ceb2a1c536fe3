/** `npm run matrix`: runs the tests on every supported version of Node.js, in sequence. */
import { mkdirSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

import { main } from "./setup/set-up.mjs";
import { mustRun, ROOT, runOpenly, SetUpError, step } from "./setup/step.mjs";

/** Supported major versions, the oldest first, which is the one in `engines` of package.json. */
const SUPPORTED = ["20", "22", "24"];

const HELP = `Usage: npm run matrix -- [options] [test files]

Run the tests, or some of their files, on each supported version of Node.js (${SUPPORTED.join(", ")}).
The programs come from npm (node-<platform>-<arch>) and stay in node_modules/.cache/gumshoe-nodes.

Options:
  --node <major>  only this version; may be given several times
  --help          show this`;

await main(async () => {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { node: { type: "string", multiple: true }, help: { type: "boolean" } },
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const majors = values.node ?? SUPPORTED;
  const unknown = majors.find((major) => !SUPPORTED.includes(major));
  if (unknown !== undefined) {
    throw new SetUpError(`--node: ${unknown} is not one of ${SUPPORTED.join(", ")}`);
  }
  const results = [];
  for (const major of majors) results.push(await runTests(major, positionals));
  console.log(`\n${results.map(({ line }) => line).join("\n")}`);
  return results.every(({ code }) => code === 0) ? 0 : 1;
});

async function runTests(major, files) {
  const node = await obtainNode(major);
  const version = (await mustRun(node, ["--version"])).trim();
  const startedAtMs = performance.now();
  const code = await runOpenly(node, [join(ROOT, "scripts/test.mjs"), ...files], {
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` },
  });
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
  return {
    code,
    line: `Node.js ${version}: ${code === 0 ? "passed" : `failed (${code})`}, ${seconds} s`,
  };
}

/** Installs a version of Node.js from npm; returns the path of its executable. */
async function obtainNode(major) {
  const name = `node-${process.platform}-${process.arch}`;
  const folder = join(ROOT, "node_modules/.cache/gumshoe-nodes", major);
  await step(`Node.js ${major}`, async () => {
    mkdirSync(folder, { recursive: true });
    const options = ["--no-save", "--no-audit", "--no-fund", "--ignore-scripts"];
    await mustRun("npm", ["install", ...options, "--prefix", folder, `${name}@${major}`]);
  });
  return join(folder, "node_modules", name, "bin/node");
}
