/**
 * Warnings derived from a run's ledger: metrics which show that the settings damage the model, and
 * code of its environment that takes most of the time.
 *
 * - Warnings are ledger events, and do not change what the run does.
 * - Each is given once, and again only after its metric has recovered.
 */
import { isBelow } from "@gumshoe/grpo";
import { type RunConfig, stalenessOf, type ValidationResult } from "@gumshoe/config";
import type { RunEventBody, RunEventOf } from "@gumshoe/protocol";

import type { IterationSums } from "./iteration-sums.js";
import { slowGrading, slowTasks, type SlowCode } from "./slow-code.js";

/** A warning of a run. */
export type RunWarning = RunEventOf<"warning">;

/**
 * Policy KL of an update, in nats per token, above which its answers no longer represent the
 * policy. Runs that learn stay below 0.05; runs that diverge reach whole nats.
 */
const POLICY_KL = 0.2;
/** A gradient norm explodes when it exceeds the median of the previous ones by this factor ... */
const GRADIENT_NORM_RISE = 20;
/** ... and exceeds the clipping threshold by at least this factor. */
const GRADIENT_NORM_CLIP = 10;
/** Number of gradient norms in the median. */
const REMEMBERED_NORMS = 20;

const ADVICE = "lower optimizer.lr, or raise optimizer.warmupUpdates";

/** The metrics that warnings are derived from. */
export interface RunHealth {
  /** The newest gradient norms, the oldest first. */
  readonly gradientNorms: number[];
  /** Validation of the initial model; null before it. */
  start: ValidationResult | null;
  /** Codes of the warnings whose metric has not recovered. */
  readonly standing: Set<string>;
  /** Warnings that are not in the ledger yet. */
  readonly due: RunWarning[];
  /** Warnings of the ledger, the oldest first. */
  readonly given: RunWarning[];
}

/** Returns the health of a run before its first event. */
export function newRunHealth(): RunHealth {
  return { gradientNorms: [], start: null, standing: new Set(), due: [], given: [] };
}

/** The run that the events belong to. */
export interface HealthOf {
  readonly config: RunConfig;
  /** The current iteration. */
  readonly iteration: number;
  /** Sums of the iteration, the event included. */
  readonly sums: IterationSums;
}

/** Applies the next event of the ledger. */
export function addToHealth(health: RunHealth, body: RunEventBody, run: HealthOf): void {
  judgeTime(health, body, run);
  if (body.type === "update-done") takeUpdate(health, body, run.config);
  else if (body.type === "validation-done") takeValidation(health, body);
  else if (body.type === "warning") {
    const waiting = health.due.findIndex(({ code }) => code === body.code);
    if (waiting >= 0) health.due.splice(waiting, 1);
    health.standing.add(body.code);
    health.given.push(body);
  }
}

function judgeTime(health: RunHealth, body: RunEventBody, run: HealthOf): void {
  const found = [slowGrading(body, run.config, run.sums), slowTasks(body, run.config, run.sums)];
  for (const slow of found.filter((one): one is SlowCode => one !== null)) {
    const { isSlow, code, message } = slow;
    judge(health, isSlow, { type: "warning", iteration: run.iteration, code, message });
  }
}

function takeUpdate(
  health: RunHealth,
  { iteration, update, gradNorm, metrics }: RunEventOf<"update-done">,
  config: RunConfig,
): void {
  const { maxGradNorm } = config.optimizer;
  const numIterations = stalenessOf(config) + 1;
  const [span, advice] =
    numIterations === 1
      ? ["in one iteration", ADVICE]
      : [
          `in the ${numIterations} iterations from sampling to learning`,
          `${ADVICE}, or lower staleness`,
        ];
  const policyKl = metrics["policyKl"] ?? 0;
  const kl = `policy KL of ${policyKl.toPrecision(3)} nats a token (above ${POLICY_KL})`;
  judge(health, policyKl > POLICY_KL, {
    type: "warning",
    iteration,
    code: "policy-kl",
    message: `update ${update} has a ${kl}: the policy moves too far ${span}; ${advice}`,
  });
  const { gradientNorms } = health;
  const median = medianOf(gradientNorms);
  const rise = median === null || median === 0 ? 0 : gradNorm / median;
  const explodes = rise > GRADIENT_NORM_RISE && gradNorm > GRADIENT_NORM_CLIP * maxGradNorm;
  const norm = `gradient norm of ${gradNorm.toPrecision(3)}, ${rise.toFixed(0)} times the median before`;
  judge(health, explodes, {
    type: "warning",
    iteration,
    code: "gradient-norm",
    message: `update ${update} has a ${norm}; ${ADVICE}`,
  });
  gradientNorms.push(gradNorm);
  if (gradientNorms.length > REMEMBERED_NORMS) gradientNorms.shift();
}

function takeValidation(health: RunHealth, result: ValidationResult): void {
  if (result.count === 0) return;
  if (result.iteration === 0) {
    health.start = result;
    return;
  }
  const { start } = health;
  if (start === null) return;
  const from = `from ${start.reward.toFixed(3)} to ${result.reward.toFixed(3)}`;
  judge(health, isBelow(toInterval(result), toInterval(start)), {
    type: "warning",
    iteration: result.iteration,
    code: "validation-below-start",
    message: `validation fell ${from} after ${result.iteration} iterations: the start was better; ${ADVICE}`,
  });
}

/** Makes a warning due when its metric turns bad. */
function judge(health: RunHealth, isBad: boolean, warning: RunWarning): void {
  if (!isBad) health.standing.delete(warning.code);
  else if (!health.standing.has(warning.code)) {
    health.standing.add(warning.code);
    health.due.push(warning);
  }
}

function toInterval({ reward, low, high, count }: ValidationResult) {
  return { mean: reward, low, high, count };
}

function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}
