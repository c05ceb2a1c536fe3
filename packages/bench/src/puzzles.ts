import { generateCase, parseDataset, solvePrompt, type TierName } from "@gumshoe/puzzles";

import { type Figure, median, percentile } from "./figure.js";
import type { BenchSettings } from "./settings.js";

const SEED = 1;
/** Cases before the measurement, during which V8 compiles the code. */
const WARM_UP_CASES = 30;
/** Fewest measured cases. */
const MIN_CASES = 200;
/** Mini cases per measurement: a single one is too short. */
const BATCH_CASES = 250;
const MIN_BATCHES = 3;
/** Number of cases that the time of mini cases is reported for. */
const MANY_CASES = 10_000;
/** Number of cases in the public validation set. */
const FILE_CASES = 64;

/**
 * Times generating and solving cases on one core, in CPU time, which is valid on a machine with
 * other load, too.
 */
export function benchPuzzles({ seconds }: BenchSettings): Figure[] {
  return [timeCases(seconds), timeManyCases(seconds), timeSolving(seconds)];
}

function timeCases(seconds: number): Figure {
  const make = makerOf("dataset");
  const times = repeat(make, { seconds, atLeast: MIN_CASES }).map((time) => 1000 * time);
  return {
    name: "making a case",
    shape: `dataset, ${times.length} cases`,
    median: median(times),
    p90: percentile(times, 0.9),
    unit: "ms",
  };
}

function timeManyCases(seconds: number): Figure {
  const make = makerOf("mini");
  const batch = () => {
    for (let i = 0; i < BATCH_CASES; i++) make();
  };
  const times = repeat(batch, { seconds, atLeast: MIN_BATCHES });
  const scale = MANY_CASES / BATCH_CASES;
  return {
    name: `making ${MANY_CASES.toLocaleString("en-US")} cases`,
    shape: `mini, from ${times.length} samples of ${BATCH_CASES}`,
    median: scale * median(times),
    unit: "s",
  };
}

/** Times `puzzle solve` on a file: parses it, then solves every case from its prompt. */
function timeSolving(seconds: number): Figure {
  const records = Array.from({ length: FILE_CASES }, (_, index) => {
    const name = { tier: "dataset", style: "dataset", seed: SEED, index } as const;
    const { clues, prompt, solution } = generateCase(name);
    return { num_clues: clues.length, prompt, solution };
  });
  const text = JSON.stringify(records);
  const solveFile = () => parseDataset(text).forEach(({ prompt }) => solvePrompt(prompt));
  solveFile();
  const times = repeat(solveFile, { seconds, atLeast: MIN_BATCHES });
  return {
    name: "solving a file",
    shape: `dataset, ${FILE_CASES} cases`,
    median: FILE_CASES / median(times),
    unit: "cases/s",
  };
}

/** Returns a function that generates the next case of a series, after warming up. */
function makerOf(tier: TierName): () => void {
  let index = 0;
  const make = () => void generateCase({ tier, style: "clear", seed: SEED, index: index++ });
  for (let i = 0; i < WARM_UP_CASES; i++) make();
  return make;
}

/** Repeats some work until the time is used up; returns the CPU seconds of each repetition. */
function repeat(work: () => void, how: { seconds: number; atLeast: number }): number[] {
  const times: number[] = [];
  const startedAtMs = performance.now();
  while (times.length < how.atLeast || performance.now() - startedAtMs < 1000 * how.seconds) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1e6);
  }
  return times;
}
