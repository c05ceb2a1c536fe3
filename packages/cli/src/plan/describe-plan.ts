import {
  adviceFor,
  type Bill,
  type BilledRun,
  billOf,
  gigabytes,
  machineMemory,
  type MachineMemory,
  type RoleBill,
  type Workers,
} from "@gumshoe/memory";

import { formatCount } from "../terminal/format.js";
import { formatTable } from "../terminal/table.js";

/** Numbers of workers that the total is shown for, beside those that are asked for. */
const OTHER_WORKERS: readonly Workers[] = [
  { inference: 1, trainers: 1, reducers: 1 },
  { inference: 2, trainers: 1, reducers: 1 },
  { inference: 1, trainers: 2, reducers: 1 },
  { inference: 2, trainers: 2, reducers: 1 },
  { inference: 2, trainers: 2, reducers: 2 },
  { inference: 4, trainers: 4, reducers: 2 },
];

/** The bill of a run, as `gumshoe plan --json` prints it; sizes in bytes. */
export interface Plan {
  readonly run: string;
  readonly parameters: number;
  /** Numbers that the run trains: an adapter's, or all of the model's. */
  readonly trained: number;
  /** Tokens of the longest of the first prompts; null where none could be looked at. */
  readonly promptTokens: number | null;
  readonly checkpointing: "none" | "layer";
  readonly workers: Workers;
  /** One worker of each role, as if it had a machine to itself. */
  readonly roles: Readonly<Record<"inference" | "trainer" | "reducer", RoleBill>>;
  /** Coordinator, Redis and the command. */
  readonly controlBytes: number;
  readonly phases: Bill["phases"];
  readonly peak: Bill["peak"];
  /** All processes on one machine, at the peak. */
  readonly totalBytes: number;
  readonly machine: MachineMemory;
  readonly fits: boolean;
  /** What to change where it does not fit. */
  readonly advice: string | null;
  readonly byWorkers: readonly (Workers & {
    readonly totalBytes: number;
    readonly fits: boolean;
  })[];
}

/** Makes the plan of a run for this machine. */
export function planOf(run: BilledRun, workers: Workers): Plan {
  const machine = machineMemory();
  const { limitBytes } = machine;
  const bill = billOf(run, workers, limitBytes);
  const fits = bill.total <= limitBytes;
  const { inference, trainer, reducer, phases, peak, checkpointing, control } = bill;
  return {
    run: run.config.name,
    parameters: bill.numParameters,
    trained: bill.numTrained,
    promptTokens: run.tokens?.prompt ?? null,
    checkpointing,
    workers,
    roles: { inference, trainer, reducer },
    controlBytes: control,
    phases,
    peak,
    totalBytes: bill.total,
    machine,
    fits,
    advice: fits ? null : adviceFor(run, workers, limitBytes),
    byWorkers: OTHER_WORKERS.map((others) => {
      const { total } = billOf(run, others, limitBytes);
      return { ...others, totalBytes: total, fits: total <= limitBytes };
    }),
  };
}

/** Writes a plan for people. */
export function describePlan(plan: Plan): string {
  const { run, parameters, promptTokens, workers, roles, machine, phases } = plan;
  const { limitBytes, availableBytes, limitedBy } = machine;
  const prompts =
    promptTokens === null
      ? "prompts as long as a pack allows"
      : `prompts of up to ${promptTokens} tokens, as the first tasks have`;
  const has = `${limitedBy === "cgroup" ? "the cgroup allows" : "this machine has"} ${gigabytes(limitBytes)} GB`;
  const adapter =
    plan.trained === parameters ? "" : ` and an adapter of ${formatCount(plan.trained)}`;
  const kept = plan.checkpointing === "none" ? "all are kept" : "each layer is computed again";
  return [
    `run ${run}: ${formatCount(parameters)} parameters${adapter}, ${prompts}; GB of memory:`,
    "",
    formatTable(
      [
        "one worker alone",
        "weights",
        "optimizer",
        "gradients",
        "activations",
        "keys and values",
        "fixed",
        "all",
      ],
      [
        roleRow("inference", roles.inference),
        roleRow("trainer", roles.trainer),
        roleRow("reducer", roles.reducer),
        [
          "coordinator, Redis",
          "0.0",
          "0.0",
          "0.0",
          "0.0",
          "0.0",
          gigabytes(plan.controlBytes),
          gigabytes(plan.controlBytes),
        ],
      ],
    ),
    "",
    `${workersText(workers)} on one machine: ${gigabytes(plan.totalBytes)} GB (sampling ${gigabytes(phases.sampling)}, ` +
      `gradients ${gigabytes(phases.gradients)}, step ${gigabytes(phases.step)}); weights lie there once; activations: ${kept}`,
    `${has}, ${gigabytes(availableBytes)} GB are free now: ${plan.fits ? "it fits" : `it does not fit: ${plan.advice}`}`,
    "",
    formatTable(
      ["inference", "trainers", "reducers", "GB", ""],
      plan.byWorkers.map(({ inference, trainers, reducers, totalBytes, fits }) => [
        inference,
        trainers,
        reducers,
        gigabytes(totalBytes),
        fits ? "fits" : "does not fit",
      ]),
    ),
  ].join("\n");
}

function roleRow(name: string, part: RoleBill): string[] {
  const { weights, optimizer, gradients, activations, keysAndValues, fixed, total } = part;
  const sizes = [weights, optimizer, gradients, activations, keysAndValues, fixed, total];
  return [name, ...sizes.map(gigabytes)];
}

function workersText({ inference, trainers, reducers }: Workers): string {
  return `${inference} inference, ${trainers} trainer, ${reducers} reducer`;
}
