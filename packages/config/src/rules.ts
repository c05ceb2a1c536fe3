import type { CheckpointConfig } from "./checkpoint.js";
import type { CurriculumConfig } from "./curriculum.js";
import type { LossSettings } from "./loss.js";
import { singleSources } from "./mixed-sources.js";
import { hasOwnGrades, readsClueAnswers } from "./own-grading.js";
import type { ReferenceConfig } from "./reference.js";
import type { RewardsConfig } from "./rewards.js";
import type { TaskSourceConfig } from "./task-source.js";
import type { TurnsConfig } from "./turns.js";
import type { ReportConfig, StopWhenConfig, ValidationConfig } from "./validation.js";

/** The parts of zod's refinement context that the rules need. */
interface IssueSink {
  addIssue(issue: { code: "custom"; path: string[]; message: string }): void;
}

/** Checks the rules that involve validation, checkpoints and the stop rule. */
export function checkValidationRules(
  config: {
    validation: ValidationConfig | null;
    checkpoint: CheckpointConfig;
    stopWhen: StopWhenConfig | null;
  },
  sink: IssueSink,
): void {
  if (config.stopWhen === null) return;
  if (config.validation === null) {
    sink.addIssue({ code: "custom", path: ["stopWhen"], message: "needs a validation" });
  }
  if (config.stopWhen.action === "rollback" && !config.checkpoint.keepBest) {
    sink.addIssue({
      code: "custom",
      path: ["stopWhen", "action"],
      message: "rollback needs checkpoint.keepBest: true",
    });
  }
}

/** Checks that a curriculum has a generated source, and that no other field contradicts it. */
export function checkCurriculumRules(
  { source, curriculum }: { source: TaskSourceConfig; curriculum: CurriculumConfig | null },
  sink: IssueSink,
): void {
  if (curriculum === null) return;
  const refuse = (path: string[], message: string) =>
    sink.addIssue({ code: "custom", path: ["tasks", ...path], message });
  if (source.type !== "generate") {
    refuse(["curriculum"], "needs tasks.source of type: generate");
    return;
  }
  const [first] = curriculum.tiers;
  if (first !== undefined && source.tier !== first) {
    refuse(["source", "tier"], `must be the curriculum's first tier, ${first}`);
  }
  if (source.difficulty !== null) {
    refuse(
      ["source", "difficulty"],
      "must be null with a curriculum, which sets the difficulty by tiers",
    );
  }
}

/** Checks that the buffer of the length penalty is a part of an answer. */
export function checkOverlongRule(
  { loss, rollouts }: { loss: LossSettings; rollouts: { maxAnswerTokens: number } },
  sink: IssueSink,
): void {
  const { maxAnswerTokens } = rollouts;
  if (loss.overlong === undefined || loss.overlong.bufferTokens <= maxAnswerTokens) return;
  sink.addIssue({
    code: "custom",
    path: ["loss", "overlong", "bufferTokens"],
    message: `must be at most rollouts.maxAnswerTokens = ${maxAnswerTokens}`,
  });
}

/**
 * Checks that the rewards that a config weighs are given, and that nothing else changes the reward
 * of an answer where each is normalised by itself.
 */
export function checkRewardsRules(
  {
    tasks,
    validation,
    report,
    loss,
  }: {
    tasks: { source: TaskSourceConfig; rewards?: RewardsConfig | undefined };
    validation: ValidationConfig | null;
    report?: ReportConfig | undefined;
    loss: LossSettings;
  },
  sink: IssueSink,
): void {
  const { rewards, source } = tasks;
  if (rewards === undefined) return;
  const refuse = (path: string[], message: string) =>
    sink.addIssue({ code: "custom", path, message });
  const sources = [source, validation?.source, report?.source].flatMap((one) =>
    one === undefined ? [] : singleSources("", one).map((single) => single.source),
  );
  const single = sources.find((one) => !hasOwnGrades(one));
  if (single !== undefined) {
    refuse(
      ["tasks", "rewards"],
      `needs sources whose grades are made by a module or a server; ${single.type} has one reward for an answer`,
    );
  }
  if (rewards.aggregation !== "normalize-then-sum" || loss.overlong === undefined) return;
  const message =
    "excludes tasks.rewards.aggregation: normalize-then-sum, which has no sum to lower";
  refuse(["loss", "overlong"], message);
}

/** Checks that a reference that is refreshed is used. */
export function checkReferenceRule(
  { loss, reference }: { loss: LossSettings; reference?: ReferenceConfig | undefined },
  sink: IssueSink,
): void {
  if (reference === undefined || loss.klCoefficient > 0) return;
  sink.addIssue({
    code: "custom",
    path: ["reference"],
    message: "needs loss.klCoefficient above 0: without it no reference is used",
  });
}

/**
 * Checks that some rollouts come from later weights than the first ones, and that importance weights have
 * something to correct: what the trainer computes before an iteration's first update.
 */
export function checkStalenessRules(
  config: {
    staleness: number;
    iterations: number;
    updatesPerIteration: number;
    loss: LossSettings;
    rollouts: { topK?: number | undefined; topP?: number | undefined; minP?: number | undefined };
  },
  sink: IssueSink,
): void {
  const { staleness, iterations, updatesPerIteration, loss, rollouts } = config;
  const refuse = (path: string[], message: string) =>
    sink.addIssue({ code: "custom", path, message });
  if (staleness >= iterations) {
    refuse(
      ["staleness"],
      `must be below iterations = ${iterations}: all would sample at the start`,
    );
  }
  if (loss.truncatedImportanceSampling === null) return;
  const correction = ["loss", "truncatedImportanceSampling"];
  const truncation = (["topK", "topP", "minP"] as const).find(
    (name) => rollouts[name] !== undefined,
  );
  if (staleness === 0) {
    const why = "sampler and trainer agree bit for bit, so the ratio is always 1";
    refuse(correction, `needs a staleness of at least 1: without it ${why}`);
  } else if (updatesPerIteration > 1) {
    refuse(correction, "needs updatesPerIteration: 1, whose trainers hold the weights it compares");
  } else if (truncation !== undefined) {
    refuse(correction, `excludes rollouts.${truncation}: what it leaves out has no ratio`);
  }
}

/**
 * Rejects a divergence from a reference under a truncated distribution: a token that the reference's
 * truncation leaves out has no finite divergence.
 */
export function checkTruncationRule(
  {
    loss,
    rollouts,
  }: {
    loss: LossSettings;
    rollouts: { topK?: number | undefined; topP?: number | undefined; minP?: number | undefined };
  },
  sink: IssueSink,
): void {
  if (loss.klCoefficient === 0) return;
  const field = (["topK", "topP", "minP"] as const).find((name) => rollouts[name] !== undefined);
  if (field === undefined) return;
  sink.addIssue({
    code: "custom",
    path: ["rollouts", field],
    message: "excludes loss.klCoefficient: what it leaves out has no finite divergence",
  });
}

/** Checks that the limits of turns fit the answer, and that there may be turns at all: only modules have them. */
export function checkTurnsRule(
  {
    turns,
    sources,
    maxAnswerTokens,
  }: {
    turns: TurnsConfig | undefined;
    sources: readonly (TaskSourceConfig | undefined)[];
    maxAnswerTokens: number;
  },
  path: string[],
  sink: IssueSink,
): void {
  if (turns === undefined) return;
  const refuse = (field: string[], message: string) =>
    sink.addIssue({ code: "custom", path: [...path, ...field], message });
  const singles = sources.flatMap((source) =>
    source === undefined ? [] : singleSources("", source),
  );
  if (!singles.some(({ source }) => source.type === "module")) {
    refuse(["turns"], "needs a source of type: module whose module has step()");
  }
  if ((turns.maxTokens ?? 0) > maxAnswerTokens) {
    const limit = [...path, "maxAnswerTokens"].join(".");
    refuse(["turns", "maxTokens"], `must be at most ${limit} = ${maxAnswerTokens}`);
  }
}

/** Rejects a grader for tasks that a module grades itself. */
export function checkGraderRule(
  config: { grader: string; sources: readonly (TaskSourceConfig | undefined)[] },
  path: string[],
  sink: IssueSink,
): void {
  if (config.grader === "fixed") return;
  const singles = config.sources.flatMap((source) =>
    source === undefined ? [] : singleSources("", source),
  );
  const own = singles.find(({ source }) => !readsClueAnswers(source));
  if (own === undefined) return;
  const what = own.source.type === "module" ? "a module" : `a source of type ${own.source.type}`;
  sink.addIssue({
    code: "custom",
    path,
    message: `must be fixed: ${what} grades its own tasks`,
  });
}
