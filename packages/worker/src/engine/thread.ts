/**
 * Entry point of the engine's thread: receives calls, computes, replies.
 *
 * Sampling yields to the event loop after every step, so that new groups join the running batch.
 */
import { workerData } from "node:worker_threads";

import { serveCalls, type ThreadContext } from "@gumshoe/core";

import { ModelSwitchedError } from "../errors.js";
import { IDLE_MS, IdleTimer } from "../host/idle-timer.js";
import { type EngineCalls, type EngineOptions, type TokensSampled } from "./calls.js";
import { Engine } from "./engine.js";

type Sample = EngineCalls["sample"];

interface Sampling {
  readonly resolve: (answer: Sample["answer"]) => void;
  readonly reject: (reason: unknown) => void;
}

/** Groups in the sampler, by their id there. */
const sampling = new Map<string, Sampling>();
const engine = new Engine(workerData as EngineOptions, () =>
  failAllSamples(new ModelSwitchedError()),
);
const idle = new IdleTimer(IDLE_MS, () => engine.releaseIdle());
let nextSample = 1;
let stepping = false;

const notify = serveCalls<EngineCalls, TokensSampled>({
  sample: addSample,
  loadModel: (argument) => engine.loadModel(argument),
  setBase: (argument) => engine.setBase(argument),
  setWeights: (argument) => engine.setWeights(argument),
  gradient: (argument) => {
    idle.stop();
    try {
      return engine.gradient(argument);
    } finally {
      idle.start();
    }
  },
  assign: (argument) => engine.shard.assign(argument),
  writeMoments: (argument) => engine.shard.writeMoments(argument),
  addLane: (argument) => engine.shard.addLane(argument),
  sumSquares: (argument) => engine.shard.sumSquares(argument),
  step: (argument) => engine.shard.step(argument),
  readMoments: (argument) => engine.shard.readMoments(argument),
});

function addSample(
  { request, weights }: Sample["argument"],
  { signal }: ThreadContext,
): Promise<Sample["answer"]> {
  // A job that is retried has the id of its first attempt, so every call gets an id of its own in the sampler.
  const id = String(nextSample++);
  engine.addSample({ request: { ...request, id }, weights });
  signal.addEventListener("abort", () => {
    if (sampling.delete(id)) engine.cancelSample(id);
  });
  idle.stop();
  if (!stepping) {
    stepping = true;
    setImmediate(step);
  }
  return new Promise((resolve, reject) => sampling.set(id, { resolve, reject }));
}

function step(): void {
  try {
    const { results, tokens } = engine.sampleStep();
    for (const { id, rollouts } of results) {
      sampling.get(id)?.resolve({ rollouts, weights: engine.weights ?? "" });
      sampling.delete(id);
    }
    notify({ tokens });
  } catch (thrown) {
    failAllSamples(thrown);
    engine.dropModel();
  }
  stepping = engine.isSampling;
  if (stepping) setImmediate(step);
  else idle.start();
}

function failAllSamples(thrown: unknown): void {
  for (const { reject } of sampling.values()) reject(thrown);
  sampling.clear();
}
