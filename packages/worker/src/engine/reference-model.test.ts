/** The divergence from a reference in the engine's gradient, against PyTorch: test/golden/reference. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

import {
  initialAdapter,
  openModelFolder,
  trainableForm,
  trainableLayout,
  weightForm,
  WHOLE_DISTRIBUTION,
  type WeightForm,
  withAdapter,
  writeWeights,
} from "@gumshoe/engine";
import { DEFAULT_LOSS, type LossConfig, type Pack, weighPacks } from "@gumshoe/grpo";
import { createCpuDevice } from "@gumshoe/kernels";
import { Region, type RegionMemory } from "@gumshoe/tensors";
import { afterEach, beforeAll, expect, test } from "vitest";

import { ROOT } from "../../../../test/support/fake-cluster.js";
import { Engine } from "./engine.js";

interface Golden {
  readonly klCoefficient: number;
  readonly temperature: number;
  readonly clip: number;
  readonly groups: readonly {
    readonly prompt: number[];
    readonly answers: number[][];
    readonly oldLogprobs: number[][];
    readonly advantages: number[];
  }[];
  readonly cases: readonly {
    readonly estimator: "k1" | "k2" | "k3";
    readonly loss: number;
    readonly divergence: number;
    readonly torchFloat32Error: number;
    readonly gradient: Readonly<
      Record<string, { norm: number; largest: number; at: number[]; values: number[] }>
    >;
  }[];
}

const FOLDER = join(ROOT, "test/golden/reference");
const GOLDEN = JSON.parse(readFileSync(join(FOLDER, "gradients.json"), "utf8")) as Golden;
/** Allowed error of an element relative to the largest of its parameter, in errors of PyTorch itself in float32. */
const ERRORS_OF_TORCH = 8;
const ADAPTER = { rank: 3, alpha: 5, targets: ["q_proj", "down_proj"] as const };

let model: Awaited<ReturnType<typeof openModelFolder>>;
let policy: Float32Array;
beforeAll(async () => {
  model = await openModelFolder(join(ROOT, "test/golden/qwen2"));
  policy = await model.readParameters(0, model.layout.numParameters);
  await model.close();
});

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

const packs: Pack[] = weighPacks(
  GOLDEN.groups.map(({ prompt, answers, oldLogprobs, advantages }, g) => ({
    groupKey: String(g),
    promptTokens: Int32Array.from(prompt),
    answers: answers.map((tokens, rollout) => ({
      rollout,
      tokens: Int32Array.from(tokens),
      logprobs: Float32Array.from(oldLogprobs[rollout] ?? []),
      advantage: advantages[rollout] ?? NaN,
      weight: 0,
    })),
  })),
  { type: "sequence-mean" },
);

function inMemory(form: WeightForm, values: Float32Array): RegionMemory {
  const region = Region.create(form.length, { isShared: true });
  closing.push(() => region.close());
  writeWeights(form, region.values, values);
  return region.memory;
}

/** The weights that generate.py makes of the policy's. */
function perturbed(): Float32Array {
  const values = policy.slice();
  for (const { start, end } of model.layout.entries) {
    for (let i = start; i < end; i++) values[i]! *= (i - start) % 2 === 0 ? 1.0625 : 0.9375;
  }
  return values;
}

function open(reference: Float32Array, trained: Float32Array, isAdapter = false) {
  const engine = new Engine(createCpuDevice({ threads: 1 }), () => undefined);
  closing.push(() => engine.dispose());
  const adapter = isAdapter ? { ...ADAPTER, targets: [...ADAPTER.targets] } : null;
  const shape = withAdapter(model.config, adapter);
  const form = trainableForm(shape);
  const configJson = model.assets["config.json"] ?? "";
  engine.loadModel({ configJson, adapter, training: true, work: null, reference: null });
  if (isAdapter) engine.setBase({ weights: inMemory(weightForm(shape), policy) });
  const held = engine.setReference({ weights: inMemory(form, reference) });
  const weights = engine.setWeights({ weights: inMemory(form, trained) });
  const compute = (change: Partial<LossConfig>) => {
    const loss = { ...DEFAULT_LOSS, clipLow: GOLDEN.clip, clipHigh: GOLDEN.clip, ...change };
    const into = Region.create(trainableLayout(shape).numParameters, { isShared: true });
    closing.push(() => into.close());
    const { metrics, digest } = engine.gradient({
      packs,
      loss,
      distribution: { ...WHOLE_DISTRIBUTION, temperature: GOLDEN.temperature },
      checkpointing: "none",
      into: into.memory,
      weights,
      reference: loss.klCoefficient === 0 ? null : held,
    });
    return { metrics, digest, gradient: into.values };
  };
  return { engine, held, compute };
}

test.each(GOLDEN.cases.map((one) => [one.estimator, one] as const))(
  "%s has PyTorch's loss, divergence and gradient",
  (klEstimator, golden) => {
    const { compute } = open(perturbed(), policy);
    const { metrics, gradient } = compute({ klCoefficient: GOLDEN.klCoefficient, klEstimator });
    expect(metrics.loss).toBeCloseTo(golden.loss, 5);
    expect(metrics.referenceKlSum / metrics.numTokens).toBeCloseTo(golden.divergence, 5);
    for (const { name, start, end } of model.layout.entries) {
      const expected = golden.gradient[name];
      if (expected === undefined) throw new Error(`no golden numbers for ${name}`);
      const own = gradient.subarray(start, end);
      const norm = Math.sqrt(own.reduce((sum, value) => sum + value ** 2, 0));
      const errors = expected.at.map((at, i) =>
        Math.abs((own[at] ?? NaN) - (expected.values[i] ?? NaN)),
      );
      expect(Math.max(...errors) / expected.largest, name).toBeLessThan(
        ERRORS_OF_TORCH * golden.torchFloat32Error,
      );
      expect([name, norm / expected.norm]).toEqual([name, expect.closeTo(1, 5)]);
    }
  },
);

test("at the reference itself the divergence is exactly 0, and k3 changes no bit of the gradient", () => {
  const { compute } = open(policy, policy);
  const plain = compute({});
  const { metrics, digest } = compute({ klCoefficient: GOLDEN.klCoefficient });
  expect(metrics.referenceKlSum).toBe(0);
  expect(digest).toBe(plain.digest);
});

test("with an adapter the reference is the base: its new adapter changes nothing", () => {
  const shape = withAdapter(model.config, { ...ADAPTER, targets: [...ADAPTER.targets] });
  const [start, trained] = [initialAdapter(shape, 1), initialAdapter(shape, 2)];
  const fresh = open(start, trained, true).compute({ klCoefficient: 1 });
  expect(fresh.metrics.referenceKlSum).toBe(0);
  const moved = trained.map((value) => value + 0.05);
  const { metrics } = open(start, moved, true).compute({ klCoefficient: 1 });
  expect(metrics.referenceKlSum).toBeGreaterThan(0);
});

test("another reference than the job names is refused, and loading the model keeps the named one", () => {
  const { engine, held, compute } = open(perturbed(), policy);
  const configJson = model.assets["config.json"] ?? "";
  const load = (reference: string | null) =>
    engine.loadModel({ configJson, adapter: null, training: true, work: null, reference });
  expect(load(held)).toEqual({ base: null, reference: held });
  expect(load("another")).toEqual({ base: null, reference: null });
  engine.setWeights({ weights: inMemory(weightForm(model.config), policy) });
  expect(() => compute({ klCoefficient: 1 })).toThrow("the engine holds weights none, not");
});
