import type { RunInfo } from "@gumshoe/client";
import type { RunConfig } from "@gumshoe/config";
import type { RunEventOf, WatchedEvent, WorkerStatus } from "@gumshoe/protocol";

import {
  formatClock,
  formatCount,
  formatDuration,
  formatMachineTime,
  formatReward,
} from "../terminal/format.js";
import { drawCurve } from "../terminal/curve.js";
import { drawBar, StatusLine } from "../terminal/progress-bar.js";
import type { Terminal } from "../terminal/terminal.js";
import { describeFleet } from "./fleet-line.js";
import { describeFigures, describeReport, describeValidation } from "./describe-figures.js";

const BAR_WIDTH = 24;
/** Most characters of the curve of rewards. */
const CURVE_WIDTH = 48;
/** Minimum interval between example answers, in ms. */
const EXAMPLE_EVERY_MS = 20_000;
/** Minimum interval between progress lines without a terminal, in ms. */
const LINE_EVERY_MS = 5000;
/** Most reasons for unscored answers that are shown. */
const MAX_REASONS = 3;

/** Displays a run's events: a bar that is redrawn, and permanent lines. */
export class RunView {
  readonly #status: StatusLine;
  #numIterationsDone = 0;
  #reward: number | null = null;
  /** Mean rewards of the iterations so far. */
  readonly #rewards: number[] = [];
  #loss: number | null = null;
  /** Further figures of the last iteration, from its metrics. */
  #figures: readonly string[] = [];
  /** Score of the greedy answers in the newest validation. */
  #greedy: number | null = null;
  #tokensPerSecond: number | null = null;
  #phase = "";
  /** What the run waits for, with digits masked; null while it makes progress. */
  #waitKind: string | null = null;
  /** The workers' status; empty when unknown. */
  #fleet = "";
  /** The coordinator's forecast and machine time; null when unknown. */
  #run: Pick<RunInfo, "secondsLeft" | "used"> | null = null;
  /** Tier of the current cases, if a curriculum decides it. */
  #tier: string | null = null;
  readonly #unscoredReasons = new Set<string>();
  #exampleAtMs = Number.NEGATIVE_INFINITY;
  #lineAtMs = Number.NEGATIVE_INFINITY;

  /** @param sinceMs  earlier events are counted, but not shown individually */
  constructor(
    private readonly terminal: Terminal,
    private readonly config: RunConfig,
    private readonly sinceMs: number,
  ) {
    this.#status = new StatusLine(terminal);
  }

  /** Processes one event. */
  show(event: WatchedEvent): void {
    const { body, atMs } = event;
    const isNews = atMs >= this.sinceMs;
    switch (body.type) {
      case "run-resumed":
        if (isNews) this.#status.print(`continued from weight version ${body.weights.version}`);
        break;
      case "run-paused":
        if (isNews) this.#status.print("paused: another run uses the workers");
        break;
      case "progress":
        this.#takeProgress(body);
        break;
      case "iteration-planned":
        this.#takePlan(body, isNews);
        break;
      case "group-done":
        this.#takeReason(body.unscoredReason);
        break;
      case "iteration-sampled":
        this.#reward = body.meanReward;
        if (body.meanReward !== null) this.#rewards.push(body.meanReward);
        if (body.seconds > 0) this.#tokensPerSecond = body.tokens / body.seconds;
        break;
      case "update-done":
        this.#loss = body.metrics["loss"] ?? this.#loss;
        break;
      case "validation-done":
        this.#greedy = body.greedy?.reward ?? null;
        this.#status.print(describeValidation(body));
        break;
      case "report-done":
        this.#status.print(describeReport(body));
        break;
      case "iteration-done":
        this.#figures = describeFigures(body.metrics);
        this.#takeIteration(atMs);
        break;
      case "example":
        if (isNews) this.#showExample(body, atMs);
        break;
      case "warning":
        this.#status.print(`warning: ${body.message}`);
        break;
      case "worker-lost":
        if (isNews) this.#status.print(describeLoss(body));
        break;
      case "worker-ended":
        if (isNews) this.#status.print(`${body.role} ${body.workerId} had ended: ${body.cause}`);
        break;
      default:
        break;
    }
    this.#draw();
  }

  /** Updates the status of the workers and of the run; null when unknown. */
  showStatus(
    workers: readonly WorkerStatus[] | null,
    run: Pick<RunInfo, "secondsLeft" | "used"> | null,
  ): void {
    this.#fleet = workers === null ? "" : describeFleet(workers);
    this.#run = run;
    this.#draw();
  }

  /** Prints a permanent line. */
  print(line: string): void {
    this.#status.print(line);
  }

  /** Removes the bar. */
  close(): void {
    this.#status.clear();
  }

  #takeProgress(progress: RunEventOf<"progress">): void {
    const { phase, done, total, note } = progress;
    this.#phase = total > 0 ? `${phase} ${done}/${total}` : phase;
    if (note !== undefined) this.#phase += ` (${note})`;
    this.#takeWait(phase === "waiting" && note !== "reducers" ? (note ?? null) : null);
  }

  /**
   * Prints once what the run waits for: without a terminal nothing else would explain the pause.
   */
  #takeWait(note: string | null): void {
    // Ignore digits in the comparison: figures such as the free space change while the run waits.
    const kind = note?.replace(/\d+/g, "0") ?? null;
    if (kind === this.#waitKind) return;
    this.#waitKind = kind;
    if (note !== null) this.#status.print(`the run waits: ${note}`);
  }

  #takePlan({ iteration, tier }: RunEventOf<"iteration-planned">, isNews: boolean): void {
    if (tier === undefined || tier === this.#tier) return;
    if (isNews) this.#status.print(`tier ${tier} from iteration ${iteration + 1} on`);
    this.#tier = tier;
  }

  /** Prints why answers could not be scored: each reason once, and only the first few. */
  #takeReason(reason: string | undefined): void {
    const reasons = this.#unscoredReasons;
    if (reason === undefined || reasons.has(reason) || reasons.size >= MAX_REASONS) return;
    reasons.add(reason);
    this.#status.print(`an answer could not be scored: ${reason}`);
  }

  #takeIteration(atMs: number): void {
    this.#numIterationsDone++;
    if (atMs < this.sinceMs) return;
    const isLast = this.#numIterationsDone === this.config.iterations;
    if (this.terminal.isScreen || (atMs - this.#lineAtMs < LINE_EVERY_MS && !isLast)) return;
    this.#lineAtMs = atMs;
    this.#status.print(this.#describe().join("  "));
    if (this.#fleet !== "") this.#status.print(`  ${this.#fleet}`);
  }

  #showExample(example: RunEventOf<"example">, atMs: number): void {
    if (atMs - this.#exampleAtMs < EXAMPLE_EVERY_MS) return;
    this.#exampleAtMs = atMs;
    const reward = example.reward === null ? "could not be scored" : formatReward(example.reward);
    const quoted = [
      "  a case, and one of the answers that were sampled:",
      ...indent(example.prompt, "  | "),
      ...indent(example.reply, "  > "),
      `  reward ${reward}`,
    ];
    this.#status.print(quoted.join("\n"));
  }

  #draw(): void {
    const share = this.#numIterationsDone / this.config.iterations;
    const words = [drawBar(share, BAR_WIDTH), ...this.#describe(), this.#phase];
    const lines = [words.filter((word) => word !== "").join("  "), this.#curve(), this.#fleet];
    this.#status.set(lines.filter((line) => line !== "").join("\n"));
  }

  /** The rewards so far as a curve, once there are enough to see anything. */
  #curve(): string {
    const [first, last] = [this.#rewards[0], this.#rewards.at(-1)];
    if (first === undefined || last === undefined || this.#rewards.length < 3) return "";
    return `reward ${formatReward(first)} ${drawCurve(this.#rewards, CURVE_WIDTH)} ${formatReward(last)}`;
  }

  #describe(): string[] {
    const words = [`${this.#numIterationsDone}/${this.config.iterations}`];
    if (this.#tier !== null) words.push(this.#tier);
    if (this.#reward !== null) words.push(`reward ${formatReward(this.#reward)}`);
    else if (this.#loss !== null) words.push(`loss ${this.#loss.toFixed(4)}`);
    if (this.#greedy !== null) words.push(`held-out greedy ${formatReward(this.#greedy)}`);
    words.push(...this.#figures);
    if (this.#tokensPerSecond !== null) {
      words.push(`${formatCount(this.#tokensPerSecond)} sampled tokens/s`);
    }
    const { secondsLeft = null, used = null } = this.#run ?? {};
    if (secondsLeft !== null) words.push(`${formatClock(secondsLeft)} left`);
    if (used !== null && used.coreHours + used.gpuHours > 0) words.push(formatMachineTime(used));
    return words;
  }
}

function describeLoss(lost: RunEventOf<"worker-lost">): string {
  const cause = lost.cause === undefined ? "" : ` (${lost.cause})`;
  const name = lost.role === lost.workerId ? lost.role : `${lost.role} ${lost.workerId}`;
  const what = `lost ${name}${cause}`;
  if (lost.job === "") return what;
  const age = formatDuration(lost.jobAgeMs / 1000);
  return `${what}; its job ${lost.job} (${age} old) goes to another`;
}

function indent(text: string, prefix: string): string[] {
  return text
    .trimEnd()
    .split("\n")
    .map((line) => prefix + line);
}
