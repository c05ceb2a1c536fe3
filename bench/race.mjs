/**
 * Gumshoe beside PyTorch, Transformers and TRL on this machine: both do the same work in turns, and the
 * ratio is taken turn by turn, so that it holds on a machine that does other work, too.
 *
 *     node bench/race.mjs --python <python with torch, transformers, trl> [train rollout iteration]
 */
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HELP = `Usage: node bench/race.mjs [options] [train] [rollout] [iteration]

Race gumshoe against PyTorch (train), Transformers (rollout) and TRL (iteration), in turns.

Options:
  --python <file>  Python with torch, transformers and trl (default: python3)
  --shape <name>   2m or 25m (default: 2m)
  --rounds <n>     turns of each (default: 5)
  --json           print one JSON document on stdout; all else goes to stderr
  --help           show this`;

const WORKS = ["train", "rollout", "iteration"];
/** The figure of `gumshoe bench` that is the rival's work. */
const FIRST = 0;

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string", default: "python3" },
    shape: { type: "string", default: "2m" },
    rounds: { type: "string", default: "5" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const works = positionals.length === 0 ? WORKS : positionals;
const unknown = works.find((work) => !WORKS.includes(work));
const rounds = Number(options.rounds);
if (unknown !== undefined) fail(`${unknown} is not one of ${WORKS.join(", ")}`);
if (!["2m", "25m"].includes(options.shape)) fail(`--shape: ${options.shape} is not 2m or 25m`);
if (!Number.isInteger(rounds) || rounds < 1)
  fail(`--rounds: ${options.rounds} is not a whole number`);

const races = [];
for (const work of works) races.push(await race(work));
if (options.json) console.log(JSON.stringify({ machine: races[0].machine, races }, null, 2));

async function race(work) {
  const rival = await startRival(work);
  const turns = [];
  let machine;
  for (let round = 0; round < rounds; round++) {
    const ours = measureOurs(work);
    const theirs = toRate(rival, await rival.step());
    machine = ours.machine;
    const ratio = rival.unit === "s" ? theirs / ours.median : ours.median / theirs;
    turns.push({ ours: ours.median, theirs, ratio, share: ours.share });
    const shown = [ours.median, theirs].map((value) => value.toPrecision(4));
    log(
      `${work} ${options.shape}: ${shown[0]} and ${shown[1]} ${rival.unit}, ${ratio.toFixed(2)} x`,
    );
  }
  rival.stop();
  const of = (key) => median(turns.map((turn) => turn[key]));
  const result = {
    work,
    shape: options.shape,
    unit: rival.unit,
    versions: rival.versions,
    machine,
    ours: of("ours"),
    theirs: of("theirs"),
    ratio: of("ratio"),
    share: of("share"),
    turns,
  };
  log(`${work} ${options.shape}: median ratio ${result.ratio.toFixed(2)}\n`);
  return result;
}

/** Takes a figure of `gumshoe bench`, measured for about as long as a rival's step takes. */
function measureOurs(work) {
  const cli = fileURLToPath(new URL("../packages/cli/bin/gumshoe.js", import.meta.url));
  const args = [cli, "bench", work, "--shape", options.shape, "--seconds", "2", "--json"];
  const out = execFileSync(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const { machine, results } = JSON.parse(out);
  return { machine, ...results[FIRST] };
}

async function startRival(work) {
  const script = fileURLToPath(new URL("rivals/rivals.py", import.meta.url));
  const args = [script, work, "--shape", options.shape];
  const child = spawn(options.python, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.on("error", (error) => fail(`--python ${options.python}: ${error.message}`));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done)
        fail(`${options.python} ended; it needs torch, transformers and, for iteration, trl`);
      if (value.startsWith("{")) return JSON.parse(value);
    }
  };
  const { versions, count, unit } = await next();
  const step = async () => {
    child.stdin.write("go\n");
    return (await next()).seconds;
  };
  return { versions, count, unit, step, stop: () => child.kill() };
}

function toRate({ unit, count }, seconds) {
  return unit === "s" ? seconds : count / seconds;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function log(line) {
  (options.json ? process.stderr : process.stdout).write(`${line}\n`);
}

function fail(problem) {
  process.stderr.write(`race: ${problem}\n`);
  process.exit(2);
}
