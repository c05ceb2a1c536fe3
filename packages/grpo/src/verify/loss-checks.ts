import { GoldenFormatError } from "../errors.js";
import {
  type Aggregation,
  DEFAULT_LOSS,
  type KlEstimator,
  type LossConfig,
} from "../loss/config.js";
import { importanceWeight } from "../loss/importance.js";
import { klPenalty } from "../loss/kl.js";
import { policyLoss } from "../loss/policy.js";
import { normaliserWeights } from "../normaliser.js";
import { type AlgorithmCheck, compare } from "./check.js";
import type { GoldenJson } from "./golden-json.js";

/** Policy by prefix of the case name; the longest matching prefix applies. */
const POLICY_OF_PREFIX: Readonly<Record<string, LossConfig["policy"] | "tis">> = {
  grpo: "clip",
  dapo: "clip",
  "two-sided": "clip",
  gspo: "gspo",
  cispo: "cispo",
  sapo: "sapo",
  tis: "tis",
};

/** Field of the loss config for each parameter name of the file. */
const PARAMETERS: Readonly<Record<string, keyof LossConfig>> = {
  clipLow: "clipLow",
  clipHigh: "clipHigh",
  delta: "twoSided",
  ratioCap: "ratioCap",
  temperaturePositive: "temperaturePositive",
  temperatureNegative: "temperatureNegative",
};

/** The token losses of the file's answers, and their derivatives. */
interface TokenLosses {
  readonly loss: number[][];
  readonly dLogprob: number[][];
}

/** Compares the policies and divergence estimators with the section `loss` of a golden file. */
export function checkLosses(section: GoldenJson, tolerance: number): AlgorithmCheck[] {
  const check = (golden: GoldenJson, ours: TokenLosses): AlgorithmCheck[] => {
    const name = golden.field("name").text();
    return [
      { field: "tokenLoss", ours: ours.loss.flat() },
      { field: "dLoss", ours: ours.dLogprob.flat() },
    ].map((part) =>
      compare(
        `loss ${name} ${part.field}`,
        { ours: part.ours, golden: golden.field(part.field).numbers() },
        tolerance,
      ),
    );
  };
  const cases = section.field("cases").items();
  const estimators = section.field("kl").items();
  return [
    ...cases.flatMap((golden) => check(golden, policyLosses(section, golden))),
    ...estimators.flatMap((golden) => check(golden, klLosses(section, golden))),
  ];
}

/**
 * Compares the normalisers with the section `aggregation`, which belongs to the case named `grpo`.
 */
export function checkAggregation(root: GoldenJson, tolerance: number): AlgorithmCheck[] {
  const section = root.field("aggregation");
  const base = root
    .field("loss")
    .field("cases")
    .items()
    .find((item) => item.field("name").text() === "grpo");
  if (!base) throw new GoldenFormatError(`${section.path}`, "there is no loss case named grpo");
  const { loss } = policyLosses(root.field("loss"), base);
  return section
    .keys()
    .filter((key) => key !== "note")
    .map((type) => {
      const { aggregation, value } = readAggregation(section, type);
      const lengths = loss.map((tokens) => tokens.length);
      const weights = normaliserWeights(lengths, aggregation);
      const total = loss.reduce(
        (sum, tokens, i) => sum + tokens.reduce((a, b) => a + b, 0) * (weights[i] as number),
        0,
      );
      return compare(`aggregation ${type}`, { ours: [total], golden: [value] }, tolerance);
    });
}

function policyLosses(section: GoldenJson, golden: GoldenJson): TokenLosses {
  const { config, importanceCap } = readConfig(golden);
  const answers = readAnswers(section, golden);
  const losses = answers.map((answer) => {
    const { loss, dLogprob } = policyLoss(answer, config);
    const weights = Array.from(answer.oldLogprobs, (old, t) =>
      importanceCap === null
        ? 1
        : importanceWeight(old, answer.samplerLogprobs[t] ?? NaN, importanceCap),
    );
    return {
      loss: weights.map((weight, t) => weight * (loss[t] as number)),
      dLogprob: weights.map((weight, t) => weight * (dLogprob[t] as number)),
    };
  });
  return { loss: losses.map((x) => x.loss), dLogprob: losses.map((x) => x.dLogprob) };
}

function klLosses(section: GoldenJson, golden: GoldenJson): TokenLosses {
  const name = golden.field("name").text();
  if (name !== "k1" && name !== "k2" && name !== "k3") {
    throw new GoldenFormatError(golden.path, `unknown estimator "${name}"`);
  }
  const estimator: KlEstimator = name;
  const reference = section.field("refLogprobs").numberLists();
  const terms = section
    .field("newLogprobs")
    .numberLists()
    .map((answer, i) => answer.map((x, t) => klPenalty(x, reference[i]?.[t] ?? NaN, estimator)));
  return {
    loss: terms.map((answer) => answer.map(({ value }) => value)),
    dLogprob: terms.map((answer) => answer.map(({ slope }) => slope)),
  };
}

function readAnswers(section: GoldenJson, golden: GoldenJson) {
  const advantages = section.field("advantages").numbers();
  const oldLogprobs = section.field("oldLogprobs").numberLists();
  const samplerLogprobs = section.field("samplerLogprobs").numberLists();
  const newLogprobs = section.field("newLogprobs").numberLists();
  return newLogprobs.map((answer, i) => {
    const [old, sampler, advantage] = [oldLogprobs[i], samplerLogprobs[i], advantages[i]];
    if (old?.length !== answer.length || sampler?.length !== answer.length) {
      throw new GoldenFormatError(golden.path, `answer ${i} has log-probs of different lengths`);
    }
    if (advantage === undefined)
      throw new GoldenFormatError(golden.path, `answer ${i}: no advantage`);
    return { newLogprobs: answer, oldLogprobs: old, samplerLogprobs: sampler, advantage };
  });
}

function readConfig(golden: GoldenJson): { config: LossConfig; importanceCap: number | null } {
  const name = golden.field("name").text();
  const prefix = Object.keys(POLICY_OF_PREFIX).find((key) => name.startsWith(key));
  const kind = prefix === undefined ? undefined : POLICY_OF_PREFIX[prefix];
  if (kind === undefined) throw new GoldenFormatError(golden.path, `unknown loss "${name}"`);
  const parameters = golden.field("parameters");
  const known = parameters.keys().map((key) => {
    const field = PARAMETERS[key];
    if (field === undefined) throw new GoldenFormatError(parameters.path, `unknown field "${key}"`);
    return [field, parameters.field(key).number()] as const;
  });
  const config: LossConfig = {
    ...DEFAULT_LOSS,
    ...Object.fromEntries(known),
    policy: kind === "tis" ? "clip" : kind,
  };
  return { config, importanceCap: kind === "tis" ? parameters.field("ratioCap").number() : null };
}

function readAggregation(
  section: GoldenJson,
  type: string,
): { aggregation: Aggregation; value: number } {
  const golden = section.field(type);
  switch (type) {
    case "sequence-mean":
    case "token-mean":
      return { aggregation: { type }, value: golden.number() };
    case "token-sum-fixed":
      return {
        aggregation: { type, divisor: golden.field("divisor").number() },
        value: golden.field("value").number(),
      };
    default:
      throw new GoldenFormatError(golden.path, "unknown aggregation");
  }
}
