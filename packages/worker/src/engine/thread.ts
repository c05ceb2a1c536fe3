/**
 * Entry point of the engine's thread: takes calls, computes, answers.
 *
 * Sampling goes on step by step between messages, so that new groups join the running batch.
 */
import { parentPort, workerData } from "node:worker_threads";

import { ClusterError, errorMessage } from "@gumshoe/core";

import { ModelSwitchedError } from "../errors.js";
import {
  type EngineCall,
  type EngineCalls,
  type EngineFailure,
  type EngineMessage,
  type EngineOptions,
  type EngineRequest,
} from "./calls.js";
import { Engine } from "./engine.js";

type SampleArgument = EngineCalls["sample"]["argument"];

const port = parentPort;
if (port === null) throw new Error("thread.js runs as a worker thread only");

/** Calls that wait for their group, by the group's id. */
const sampling = new Map<string, number>();
const engine = new Engine(workerData as EngineOptions, () =>
  failAllSamples(new ModelSwitchedError()),
);
let stepping = false;

port.on("message", (request: EngineRequest) => {
  if (request.type === "cancel") {
    cancel(request.id);
    return;
  }
  try {
    if (request.call === "sample") addSample(request.id, request.argument as SampleArgument);
    else answer(request.id, dispatch(request.call, request.argument));
  } catch (thrown) {
    fail(request.id, thrown);
  }
});

function dispatch(call: Exclude<EngineCall, "sample">, argument: unknown): unknown {
  const method = engine[call].bind(engine) as (argument: unknown) => unknown;
  return method(argument);
}

function addSample(call: number, { request, weights }: SampleArgument): void {
  // A job that comes back has the id of its first try; in the sampler every call has its own.
  const id = String(call);
  engine.addSample({ request: { ...request, id }, weights });
  sampling.set(id, call);
  if (!stepping) {
    stepping = true;
    setImmediate(step);
  }
}

/** The caller waits no longer: other calls than samples run to their end. */
function cancel(call: number): void {
  const id = String(call);
  if (sampling.delete(id)) engine.cancelSample(id);
}

function step(): void {
  try {
    const { results, tokens } = engine.sampleStep();
    for (const { id, rollouts } of results) {
      const call = sampling.get(id);
      sampling.delete(id);
      if (call !== undefined) answer(call, { rollouts, weights: engine.weights });
    }
    post({ type: "tokens", tokens });
  } catch (thrown) {
    failAllSamples(thrown);
    engine.dropModel();
  }
  stepping = engine.isSampling;
  if (stepping) setImmediate(step);
}

function failAllSamples(thrown: unknown): void {
  const calls = [...sampling.values()];
  sampling.clear();
  for (const call of calls) fail(call, thrown);
}

function answer(id: number, value: unknown): void {
  post({ type: "answer", id, answer: value });
}

function fail(id: number, thrown: unknown): void {
  const known = thrown instanceof ClusterError;
  const failure: EngineFailure = {
    code: known ? thrown.code : null,
    message: errorMessage(thrown),
    details: known ? { ...thrown.details } : {},
    stack: thrown instanceof Error ? (thrown.stack ?? "") : "",
  };
  post({ type: "failure", id, failure });
}

function post(message: EngineMessage): void {
  port?.postMessage(message);
}
