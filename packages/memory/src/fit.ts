import { LoraConfig } from "@gumshoe/config";

import { type Bill, type BilledRun, billOf, type Workers } from "./bill.js";
import { gigabytes, RunTooLargeError } from "./errors.js";

/** A change that may make a run fit. */
interface Change {
  readonly words: string;
  readonly run: BilledRun;
  readonly workers: Workers;
}

/**
 * Checks that a run's bill is within what a machine has.
 *
 * @param where  the machine, in words
 * @returns      the bill
 * @throws       RunTooLargeError with what to change
 */
export function checkFits(
  run: BilledRun,
  workers: Workers,
  { limitBytes, where }: { limitBytes: number; where: string },
): Bill {
  const bill = billOf(run, workers, limitBytes);
  if (bill.total <= limitBytes) return bill;
  throw new RunTooLargeError({
    run: run.config.name,
    where,
    neededBytes: bill.total,
    limitBytes,
    parts: describeParts(bill, workers),
    advice: adviceFor(run, workers, limitBytes),
  });
}

/** Says, in a few words, what to change so that a run fits. */
export function adviceFor(run: BilledRun, workers: Workers, limitBytes: number): string {
  const changes = changesOf(run, workers);
  for (const { words, ...changed } of changes) {
    const { total } = billOf(changed.run, changed.workers, limitBytes);
    if (total <= limitBytes) return `${words} (${gigabytes(total)} GB)`;
  }
  const last = changes.at(-1) ?? { run, workers };
  const least = billOf(last.run, last.workers, limitBytes);
  const { inference, trainer, reducer, numParameters } = least;
  const perParameter = (least.total - least.control) / numParameters;
  const most = Math.max(0, limitBytes - least.control) / perParameter;
  return (
    `no setting makes it fit, ${gigabytes(least.total)} GB are the least; take a model of at most ` +
    `${Math.floor(most / 1e6)} million parameters, or a machine for each role: inference ` +
    `${gigabytes(inference.total)}, trainer ${gigabytes(trainer.total)}, reducer ${gigabytes(reducer.total)} GB`
  );
}

/** Lists changes, from the one that costs least to all of them together. */
function changesOf(run: BilledRun, workers: Workers): Change[] {
  const changes: Change[] = [];
  let last: Change = { words: "", run, workers };
  const add = (words: string, change: Partial<Omit<Change, "words">>) => {
    last = { ...last, ...change, words: last.words === "" ? words : `${last.words}, ${words}` };
    changes.push(last);
  };
  const { config, tokens } = run;
  if (workers.inference > 1) {
    add("--inference 1", { workers: { ...last.workers, inference: 1 } });
  }
  if (workers.trainers > 1) add("--trainers 1", { workers: { ...last.workers, trainers: 1 } });
  if (config.checkpointing === "none") {
    const changed = { ...config, checkpointing: "auto" } as const;
    add("checkpointing: auto", { run: { ...run, config: changed } });
  }
  const answer = config.type === "grpo" ? config.rollouts.maxAnswerTokens : config.maxAnswerTokens;
  const shortest = tokens === null ? null : (tokens.example ?? tokens.prompt + answer);
  if (shortest !== null && shortest < config.maxPackTokens / 2) {
    const maxPackTokens = Math.ceil((1.25 * shortest) / 64) * 64;
    const changed = { ...last.run.config, maxPackTokens };
    add(`maxPackTokens: ${maxPackTokens}`, { run: { ...run, config: changed } });
  }
  if (config.lora === null && !(config.type === "sft" && config.init.type === "new")) {
    const changed = { ...last.run.config, lora: LoraConfig.parse({}) };
    add("lora: {}", { run: { ...run, config: changed } });
  }
  return changes;
}

function describeParts(bill: Bill, { inference, trainers, reducers }: Workers): string {
  const of = (count: number, role: string, part: Bill["trainer"]) =>
    count === 0 ? [] : [`${count} ${role}: ${gigabytes(part.total)} GB alone`];
  return [
    `most in the phase of ${bill.peak}`,
    ...of(inference, "inference", bill.inference),
    ...of(trainers, "trainer", bill.trainer),
    ...of(reducers, "reducer", bill.reducer),
    "weights are shared",
  ].join(", ");
}
