/**
 * `npm run fuzz -- --texts 100000`: random and mutated inputs through every parser of bytes that other programs
 * or people write. A parser may refuse an input by a ClusterError that a gRPC header can hold; it may not throw
 * anything else, and may not take more than 50 ms of a core for each 10 kB. Prints one JSON document for each parser.
 */
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";

import { PARSERS } from "./fuzz/parsers.mjs";

const HELP = `Usage: npm run fuzz -- [options]

Options:
  --texts <n>       inputs for each parser (default: 10000)
  --seed <n>        of the inputs (default: 1)
  --parser <names>  with commas between them (default: all)
  --first <n>       number of the first input: with --texts 1 one input again (default: 0)
  --help            show this

Parsers: ${PARSERS.map(({ name }) => name).join(", ")}`;

/** A parser that does not return for so long hangs. */
const HANG_MS = 20_000;
const CHECK_EVERY_MS = 500;

/**
 * Tries parsers one after the other on a thread of their own, and hands each result to `onResult`.
 *
 * @returns the parsers that are left when one of them hangs or ends the thread; none otherwise
 */
function tryParsers(names, options, onResult) {
  // The number of the input in hand, and a counter that moves whenever a parser returns.
  const progress = new Int32Array(new SharedArrayBuffer(8));
  const url = new URL("./fuzz/thread.mjs", import.meta.url);
  const worker = new Worker(url, { workerData: { names, ...options, progress } });
  const left = [...names];
  return new Promise((resolve) => {
    let last = 0;
    let lastAt = performance.now();
    const fail = (problem) => {
      clearInterval(timer);
      const finding = { index: Atomics.load(progress, 0), problem, input: null };
      onResult({ parser: left.shift(), findings: [finding] });
      resolve(left);
    };
    const timer = setInterval(() => {
      const now = Atomics.load(progress, 1);
      if (now !== last) [last, lastAt] = [now, performance.now()];
      else if (performance.now() - lastAt > HANG_MS) {
        void worker.terminate().then(() => fail(`does not return in ${HANG_MS} ms`));
      }
    }, CHECK_EVERY_MS);
    worker.on("error", (error) => fail(`ends the thread: ${error.stack ?? error}`));
    worker.on("message", (result) => {
      left.shift();
      onResult(result);
      if (left.length > 0) return;
      clearInterval(timer);
      resolve(left);
    });
  });
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      texts: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      parser: { type: "string" },
      first: { type: "string", default: "0" },
      help: { type: "boolean" },
    },
  });
  const [texts, seed, first] = [values.texts, values.seed, values.first].map(Number);
  const numbers = { texts, seed, first };
  for (const [name, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is no whole number`);
  }
  const known = PARSERS.map(({ name }) => name);
  const names = values.parser?.split(",") ?? known;
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${unknown} is not a parser`);
  return { help: values.help === true, names, numbers };
}

async function main() {
  let options;
  try {
    options = readOptions();
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${HELP}\n`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  let numFindings = 0;
  const report = ({ parser, findings, ...figures }) => {
    numFindings += findings.length;
    const { texts, seed } = options.numbers;
    const result = { parser, texts, seed, ...figures, findings };
    process.stdout.write(`${JSON.stringify(result, null, findings.length > 0 ? 2 : 0)}\n`);
  };
  let names = options.names;
  while (names.length > 0) names = await tryParsers(names, options.numbers, report);
  return numFindings === 0 ? 0 : 1;
}

process.exitCode = await main();
