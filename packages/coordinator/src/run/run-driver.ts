import type { Clock, Logger, Tls } from "@gumshoe/core";
import type { WorkerRole } from "@gumshoe/protocol";
import type { JobQueue } from "@gumshoe/queue";

import { ExactnessError, NotExpectedError, PlanLostError, RunCannotLearnError } from "../errors.js";
import type { Fleet } from "../fleet/fleet.js";
import { machinesOf } from "../fleet/machines.js";
import { type DurableSource, ReducerPlan } from "../fleet/reducer-plan.js";
import { Checkpoints } from "../checkpoint/checkpoints.js";
import { handedOver, isReportDue } from "../checkpoint/handed-over.js";
import { RecoveryPoints } from "../checkpoint/recovery-points.js";
import { SupervisedBatches } from "../learn/supervised-batches.js";
import { IterationRunner } from "./iteration-runner.js";
import { LaneCollector } from "../learn/lane-collector.js";
import { LossWatch, type WantedWork } from "./loss-watch.js";
import { servedAssets, type ServedAssets } from "../plan/run-assets.js";
import { writeMetrics } from "./metrics-file.js";
import { nextStep, type NextStep } from "./next-step.js";
import { checkSameInputs, isStale, readInputs } from "../submission/run-identity.js";
import { newestUsable } from "../plan/staleness.js";
import { openRunModel, type RunModel } from "../plan/run-model.js";
import { refillJobs } from "./refill-jobs.js";
import { ProgressEvents } from "./progress-events.js";
import { RunRetries } from "./run-retries.js";
import type { RunRecord } from "./run-record.js";
import { newestWeights, type Weights } from "./run-state.js";
import { GroupCollector } from "../sample/group-collector.js";
import { TaskPlan } from "../plan/task-plan.js";
import { WaitReport } from "./wait-report.js";

/** Interval, in ms, at which open jobs that are missing in the queues are put back. */
const REFILL_EVERY_MS = 2000;
const PROGRESS_EVERY_MS = 500;

/** The parts that are opened once and shared by all attempts. */
interface OpenRun {
  readonly model: RunModel;
  readonly tasks: TaskPlan;
  readonly examples: SupervisedBatches | null;
  readonly checkpoints: Checkpoints;
}

/** The parts that exist under one plan of reducers. */
interface PlannedParts {
  readonly iterations: IterationRunner;
  /** The weight version that the reducers have started from. */
  readonly version: number;
  readonly recovery: RecoveryPoints;
}

/** The parts that a driver works with. */
export interface DriverOptions {
  readonly record: RunRecord;
  readonly fleet: Fleet;
  readonly rolloutQueue: JobQueue<"rollout">;
  readonly gradientQueue: JobQueue<"gradient">;
  readonly token: string;
  readonly tls: Tls;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Awaited before every write: resolves once Redis works and this coordinator holds the fence. */
  readonly mayWrite: () => Promise<void>;
  readonly diskWaitMs: number;
  readonly recoveryEveryMs: number;
  /** How the coordinator that worked on this run before ended; null where it did not die. */
  readonly previousEnd: string | null;
  /** Whether the run must release the workers to another one before its next iteration. */
  readonly isPreempted: () => boolean;
  /** What is wrong with Redis, for people; null while it works. */
  readonly redisProblem: () => string | null;
}

/**
 * Runs a run from the state of its ledger to its end.
 *
 * - The ledger is the only state: after a crash, a resume or the loss of a reducer, the run starts
 *   from the newest durable weights, recomputes the later updates from the groups in the ledger,
 *   verifies their digests, and continues.
 * - In every phase it waits for unavailable parts of the cluster: see RunRetries.
 */
export class RunDriver {
  readonly sampling: GroupCollector;
  readonly lanes: LaneCollector;
  readonly #options: DriverOptions;
  readonly #record: RunRecord;
  #assets: ServedAssets | null = null;
  #lastPlanSize: number | null = null;
  #plannedAtMs: number | null = null;
  readonly #reported = new Set<string>();
  #isRefilling = false;
  #isResumed = false;
  readonly #progress: ProgressEvents;
  readonly #wait: WaitReport;

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#record = options.record;
    this.sampling = new GroupCollector(options.record, options.rolloutQueue);
    this.lanes = new LaneCollector(options.gradientQueue, options.clock);
    const { fleet } = options;
    this.#progress = new ProgressEvents(this.#record, this.sampling, () =>
      fleet.tokensPerSecond("inference"),
    );
    this.#wait = new WaitReport({
      ...options,
      onWait: (note) => this.#progress.emit("waiting", 0, 1, note),
    });
  }

  /**
   * The files that a run's workers fetch before their first job.
   *
   * @throws NotExpectedError before the run's model is opened
   */
  get assets(): ServedAssets {
    if (this.#assets === null) throw new NotExpectedError(`run ${this.#record.config.name}`);
    return this.#assets;
  }

  /** Describes what the run waits for; null while it makes progress. */
  get waitingFor(): string | null {
    return this.#wait.waitingFor;
  }

  /**
   * Runs to the end of the run, or of its time slice.
   *
   * @throws the error that ends the run, or the signal's reason
   */
  async run(signal: AbortSignal): Promise<"done" | "paused"> {
    const timer = setInterval(() => void this.#refill(), REFILL_EVERY_MS);
    const progress = setInterval(() => this.#repeatProgress(), PROGRESS_EVERY_MS);
    const stuck = new AbortController();
    const { fleet, clock, previousEnd } = this.#options;
    const losses = new LossWatch({
      record: this.#record,
      fleet,
      clock,
      work: this.#wantedWork(),
      onStuck: (error) => stuck.abort(error),
    });
    losses.start(previousEnd);
    try {
      return await this.#persist(AbortSignal.any([signal, stuck.signal]));
    } finally {
      clearInterval(timer);
      clearInterval(progress);
      losses.stop();
    }
  }

  /** Workers of a role that could work now: one per open job, and a reducer. */
  workersWanted(role: WorkerRole): number {
    if (role === "inference") return this.sampling.numOpen;
    return role === "trainer" ? this.lanes.openJobs.length : 1;
  }

  #wantedWork(): WantedWork {
    const plannedAtMs = () => this.#plannedAtMs;
    const { sampling, lanes } = this;
    return {
      isWanted: (role) => {
        if (role === "inference") return sampling.numOpen > 0;
        return role === "trainer" ? lanes.openJobs.length > 0 : true;
      },
      get plannedAtMs() {
        return plannedAtMs();
      },
      get lanesDone() {
        return lanes.numDone;
      },
    };
  }

  /** Opens the run's inputs, and records the resume. */
  async #open(): Promise<OpenRun> {
    const { config, located, folder, state } = this.#record;
    // Record the resume first: the time before it must not count as work, however the run
    // continues.
    if (newestWeights(state) !== null && !this.#isResumed) {
      await this.#record.append({ type: "run-resumed", weights: this.#weights() });
      this.#isResumed = true;
    }
    const model = await openRunModel(located, folder, config.model);
    const tasks = await TaskPlan.open(located);
    try {
      return await this.#openTasks(model, tasks);
    } catch (error) {
      await tasks.close();
      throw error;
    }
  }

  async #openTasks(model: RunModel, tasks: TaskPlan): Promise<OpenRun> {
    const { config, located } = this.#record;
    await this.#checkIdentity(tasks);
    this.#assets = servedAssets({ ...located, model: config.model }, model);
    this.sampling.vocabulary = model.vocabularySize;
    this.sampling.judges = tasks.judges;
    await writeMetrics(this.#record);
    const checkpoints = new Checkpoints(this.#record, model, this.#options.logger);
    const examples = config.type === "sft" ? new SupervisedBatches(config, tasks, model) : null;
    return { model, tasks, examples, checkpoints };
  }

  /** Records the run's inputs, or compares them with the record. @throws InputChangedError */
  async #checkIdentity({ sources }: TaskPlan): Promise<void> {
    const { located: config, state } = this.#record;
    const hash = (file: string) => this.#record.hash(file);
    const known = state.inputs;
    const inputs = await readInputs(config, sources, { hash, known });
    if (known !== null) checkSameInputs(config, known, inputs);
    else if (newestWeights(state) !== null) {
      const said =
        "the run's ledger lacks the hashes of its input files; those of the current files are recorded";
      this.#options.logger.info({ run: config.name }, said);
    }
    if (known === null || isStale(known, inputs)) {
      await this.#record.append({ type: "inputs-recorded", inputs });
    }
  }

  /** Starts attempts until the run has ended. */
  async #persist(signal: AbortSignal): Promise<"done" | "paused"> {
    const { clock, logger, mayWrite, diskWaitMs } = this.#options;
    const retries = new RunRetries({
      record: this.#record,
      clock,
      logger,
      diskWaitMs,
      untilRedis: mayWrite,
      onWait: (note) => this.#wait.set(note),
    });
    let opened: OpenRun | null = null;
    try {
      for (;;) {
        signal.throwIfAborted();
        const startedAtMs = clock.monotonicMs();
        try {
          await this.#options.rolloutQueue.checkKeys();
          opened ??= await this.#open();
          return await this.#advance(opened, signal);
        } catch (error) {
          await retries.after(error, startedAtMs, signal);
        }
      }
    } finally {
      await opened?.tasks.close();
    }
  }

  async #advance(run: OpenRun, signal: AbortSignal): Promise<"done" | "paused"> {
    const record = this.#record;
    // Fail a run that cannot continue before waiting for reducers.
    this.#nextStep();
    const atMost = newestUsable(record.config, record.state);
    const end = await this.#underPlan(run, { signal, atMost }, async (parts) => {
      const { iterations, version, recovery } = parts;
      await iterations.replay(version);
      if ((await this.#iterate(iterations, recovery)) === "paused") return "paused";
      await iterations.validateFinal();
      const final = handedOver(record);
      const isHeld = final.version === this.#weights().version;
      if (isReportDue(record) && isHeld) await iterations.report(final);
      if (!isReportDue(record)) await iterations.finish();
      return "done";
    });
    if (end === "paused" || !isReportDue(record)) return end;
    // After a rollback the reducers hold newer weights than those that the run ends with.
    const final = handedOver(record);
    await this.#underPlan(run, { signal, atMost: final.version }, async (parts) => {
      const { iterations, version } = parts;
      await iterations.replay(version, final.version);
      await iterations.report(final);
      await iterations.finish();
    });
    return "done";
  }

  /** Runs iterations to the last one, or to the end of the run's time slice. */
  async #iterate(
    iterations: IterationRunner,
    recovery: RecoveryPoints,
  ): Promise<"done" | "paused"> {
    const doneBefore = this.#record.state.iterationsDone;
    const { type } = await iterations.iterate(async () => {
      const step = this.#nextStep();
      if (step.type !== "iterate" || !(await this.#mayPause(recovery, doneBefore))) return step;
      return { type: "pause" };
    });
    if (type !== "pause") return "done";
    await this.#record.append({ type: "run-paused", weights: this.#weights() });
    return "paused";
  }

  /**
   * Assigns the parameters to the reducers, and works under this plan.
   *
   * @param options.atMost  the newest weight version that the reducers may start from
   */
  async #underPlan<T>(
    run: OpenRun,
    { signal, atMost }: { readonly signal: AbortSignal; readonly atMost: number },
    work: (parts: PlannedParts) => Promise<T>,
  ): Promise<T> {
    const { config } = this.#record;
    const { checkpoints } = run;
    const source = await checkpoints.newest(atMost);
    this.#progress.emit("waiting", 0, 1, "reducers");
    const plan = await ReducerPlan.establish({
      run: config.name,
      numParameters: run.model.layout.numParameters,
      source,
      baseFolder: run.model.base?.folder ?? "",
      fleet: this.#options.fleet,
      token: this.#options.token,
      tls: this.#options.tls,
      signal,
      logger: this.#options.logger,
      expected: this.#lastPlanSize,
    });
    this.#lastPlanSize = plan.size;
    this.#plannedAtMs = this.#options.clock.monotonicMs();
    const { clock, logger, recoveryEveryMs: everyMs } = this.#options;
    const record = this.#record;
    const recovery = new RecoveryPoints({ record, checkpoints, plan, clock, logger, everyMs });
    try {
      await this.#begin(plan, source, checkpoints);
      const iterations = new IterationRunner({
        ...run,
        signal,
        record,
        plan,
        recovery,
        sampling: this.sampling,
        lanes: this.lanes,
        clock,
        logger,
        reported: this.#reported,
        machines: () => machinesOf(this.#options.fleet.statuses()),
        onProgress: (phase, done, total) => this.#progress.learns(phase, done, total),
        onLearnt: () => this.#progress.learnt(),
      });
      return await work({ iterations, version: source.version, recovery });
    } finally {
      this.#plannedAtMs = null;
      this.#progress.learnt();
      plan.close();
      // The next attempt may write a point of the same version.
      await recovery.settled();
    }
  }

  /** Returns whether the run gives the workers to another one now: after an iteration, and once it can go on from the disk. */
  async #mayPause(recovery: RecoveryPoints, doneBefore: number): Promise<boolean> {
    const { iterationsDone } = this.#record.state;
    if (iterationsDone === doneBefore || !this.#options.isPreempted()) return false;
    return recovery.ensure(this.#weights().version);
  }

  /** Verifies the digest of the plan's first weights, or records it as the run's first. */
  async #begin(plan: ReducerPlan, source: DurableSource, checkpoints: Checkpoints): Promise<void> {
    const { state } = this.#record;
    const { version, folder, withOptimizer } = source;
    const known = state.digests[version];
    if (known === undefined) {
      const weights = { version, digest: plan.firstDigest };
      await this.#record.append({ type: "run-started", weights });
    } else if (known !== plan.firstDigest) {
      const problem = `${folder} holds weights ${plan.firstDigest}, the ledger says ${known}`;
      // A damaged checkpoint only costs time: an older one, or the first model, leads to the same
      // weights.
      if (!withOptimizer) throw new ExactnessError(problem);
      checkpoints.discard(folder);
      throw new PlanLostError(plan.id, problem);
    }
  }

  /** @throws RunCannotLearnError when the ledger's state rules out another step */
  #nextStep(): Exclude<NextStep, { type: "fail" }> {
    const step = nextStep(this.#record.config, this.#record.state);
    if (step.type === "fail") throw new RunCannotLearnError(step.problem);
    return step;
  }

  #weights(): Weights {
    return newestWeights(this.#record.state) ?? { version: 0, digest: "" };
  }

  async #refill(): Promise<void> {
    if (this.#isRefilling) return;
    this.#isRefilling = true;
    await refillJobs(this, this.#options).finally(() => (this.#isRefilling = false));
  }

  #repeatProgress(): void {
    this.#wait.report();
    this.#progress.repeat(this.waitingFor);
  }
}
