import { type AdvantageKind, advantages, hasZeroVariance } from "../advantages.js";
import { EarlyStop } from "../early-stop.js";
import { GoldenFormatError } from "../errors.js";
import { recipeLoss, type RecipeBatch } from "../recipe/recipe-loss.js";
import { type AlgorithmCheck, compare } from "./check.js";
import { GoldenJson } from "./golden-json.js";
import { checkAggregation, checkLosses } from "./loss-checks.js";

const FORMAT = "gumshoe-golden-algorithm";
const VERSION = 1;
/** Used if the file gives none: float64 precision with a margin for another order of summation. */
const DEFAULT_TOLERANCE = 1e-12;
/** The recipe's loss class rounds its entropy weight to float32. */
const FLOAT32_WEIGHT_TOLERANCE = 1e-6;
/** Longer than any answer in the golden file on which early stopping never triggers. */
const MAX_WATCHED_TOKENS = 100_000;

const ADVANTAGE_FIELDS: readonly { field: string; kind: AdvantageKind }[] = [
  { field: "grpo", kind: "grpo" },
  { field: "drGrpo", kind: "dr-grpo" },
  { field: "rloo", kind: "rloo" },
];

/** The sections of the format, and the comparison for each. */
const SECTIONS: Readonly<
  Record<string, (root: GoldenJson, tolerance: number) => AlgorithmCheck[]>
> = {
  advantages: checkAdvantages,
  zeroVariance: checkZeroVariance,
  loss: (root, tolerance) => checkLosses(root.field("loss"), tolerance),
  aggregation: checkAggregation,
  earlyStop: checkEarlyStop,
  recipe: checkRecipe,
};

/** Metadata fields, which hold no golden numbers. */
const HEADER = ["format", "version", "computedIn", "tolerance", "madeWith", "note"];

/**
 * Compares this package's functions with a file of golden numbers.
 *
 * @param json  the parsed file, of format `gumshoe-golden-algorithm` version 1
 * @throws      GoldenFormatError on another format or version, or on an unknown or invalid section
 */
export function verifyAlgorithm(json: unknown): AlgorithmCheck[] {
  const root = new GoldenJson(json, "algorithm");
  const format = root.field("format").text();
  const version = root.field("version").number();
  if (format !== FORMAT || version !== VERSION) {
    const problem = `is ${format} version ${version}, known is ${FORMAT} version ${VERSION}`;
    throw new GoldenFormatError("algorithm.format", problem);
  }
  const tolerance = readTolerance(root);
  return root
    .keys()
    .filter((key) => !HEADER.includes(key))
    .flatMap((key) => {
      const check = SECTIONS[key];
      if (!check) throw new GoldenFormatError(`algorithm.${key}`, "unknown section");
      return check(root, tolerance);
    });
}

/** Returns the smallest number of a text such as `relative 1e-12, absolute 1e-12`. */
function readTolerance(root: GoldenJson): number {
  if (!root.has("tolerance")) return DEFAULT_TOLERANCE;
  const { value } = root.field("tolerance");
  if (typeof value === "number") return value;
  const numbers = root
    .field("tolerance")
    .text()
    .match(/\d[\d.]*(?:e[-+]?\d+)?/gi);
  if (!numbers) throw new GoldenFormatError("algorithm.tolerance", "names no number");
  return Math.min(...numbers.map(Number));
}

function checkAdvantages(root: GoldenJson, tolerance: number): AlgorithmCheck[] {
  return root
    .field("advantages")
    .items()
    .flatMap((item, i) => {
      const rewards = item.field("rewards").numbers();
      return ADVANTAGE_FIELDS.map(({ field, kind }) =>
        compare(
          `advantages ${i} ${kind}`,
          { ours: advantages(rewards, kind), golden: item.field(field).numbers() },
          tolerance,
        ),
      );
    });
}

function checkZeroVariance(root: GoldenJson): AlgorithmCheck[] {
  const groups = root.field("zeroVariance").field("rewards").numberLists();
  return groups.flatMap((rewards, i) => {
    const zeros = rewards.map(() => 0);
    const found = { ours: [Number(hasZeroVariance(rewards))], golden: [1] };
    return [
      compare(`zeroVariance ${i}`, found, 0),
      compare(`zeroVariance ${i} grpo`, { ours: advantages(rewards, "grpo"), golden: zeros }, 0),
    ];
  });
}

function checkEarlyStop(root: GoldenJson): AlgorithmCheck[] {
  const section = root.field("earlyStop");
  const config = {
    alpha: section.field("alpha").number(),
    threshold: section.field("threshold").number(),
  };
  return section
    .field("constantLogprob")
    .numberLists()
    .map(([logprob = NaN, golden = NaN]) => {
      const watch = new EarlyStop(config);
      const stopsAt = firstToken(() => watch.push(logprob));
      return compare(`earlyStop ${logprob}`, { ours: [stopsAt], golden: [golden] }, 0);
    });
}

/** Returns the number of tokens up to the one that stops the answer; NaN if none does. */
function firstToken(push: () => boolean): number {
  for (let token = 1; token <= MAX_WATCHED_TOKENS; token++) if (push()) return token;
  return NaN;
}

function checkRecipe(root: GoldenJson, tolerance: number): AlgorithmCheck[] {
  const section = root.field("recipe");
  const batch = readBatch(section);
  return section
    .field("results")
    .items()
    .flatMap((golden, i) => {
      const entropyCoefficient = golden.field("entropyCoefficient").number();
      const ours = recipeLoss(batch, {
        clipEpsilon: golden.field("clipEpsilon").number(),
        entropyCoefficient,
        klCoefficient: golden.has("klCoefficient") ? golden.field("klCoefficient").number() : 0,
      });
      const rough = entropyCoefficient === 0 ? tolerance : FLOAT32_WEIGHT_TOLERANCE;
      const scalars = ["numTokens", "policyLossSum", "entropySum"] as const;
      const single = (field: (typeof scalars)[number] | "totalLoss", allowed: number) =>
        compare(
          `recipe ${i} ${field}`,
          { ours: [ours[field]], golden: [golden.field(field).number()] },
          allowed,
        );
      const gradient = { ours: ours.dLogits, golden: golden.field("dLogits").numbers() };
      return [
        ...scalars.map((field) => single(field, tolerance)),
        single("totalLoss", rough),
        compare(`recipe ${i} dLogits`, gradient, rough),
      ];
    });
}

function readBatch(section: GoldenJson): RecipeBatch {
  const [rows = 0, rowLength = 0, vocabulary = 0] = section.field("shape").numbers();
  const per = (field: string, expected: number) => {
    const values = section.field(field).numbers();
    if (values.length === expected) return values;
    throw new GoldenFormatError(`${section.path}.${field}`, `must hold ${expected} numbers`);
  };
  const numTokens = rows * rowLength;
  return {
    shape: [rows, rowLength, vocabulary],
    logits: per("logits", numTokens * vocabulary),
    tokens: per("tokens", numTokens),
    mask: per("mask", numTokens),
    logprobs: per("logprobs", numTokens),
    advantages: per("advantages", numTokens),
    weights: per("weights", numTokens),
    referenceLogprobs: section.has("referenceLogprobs")
      ? per("referenceLogprobs", numTokens)
      : null,
  };
}
