/**
 * Entry point of the engine's thread: takes calls, computes, answers.
 *
 * Sampling goes on step by step between messages, so that new groups join the running batch.
 */
import { parentPort, workerData } from "node:worker_threads";

import { ClusterError, errorMessage } from "@gumshoe/core";
import { type SampleRequest } from "@gumshoe/engine";

import {
  type EngineCall,
  type EngineFailure,
  type EngineMessage,
  type EngineOptions,
  type EngineRequest,
} from "./calls.js";
import { Engine } from "./engine.js";

const port = parentPort;
if (port === null) throw new Error("thread.js runs as a worker thread only");

const engine = new Engine(workerData as EngineOptions);
/** Calls that wait for their group, by the group's id. */
const sampling = new Map<string, number>();
let stepping = false;

port.on("message", (request: EngineRequest) => {
  try {
    if (request.call === "sample") addSample(request);
    else answer(request.id, dispatch(request.call, request.argument));
  } catch (thrown) {
    fail(request.id, thrown);
  }
});

function dispatch(call: Exclude<EngineCall, "sample">, argument: unknown): unknown {
  const method = engine[call].bind(engine) as (argument: unknown) => unknown;
  return method(argument);
}

function addSample(request: EngineRequest): void {
  // Ids of the main thread may repeat when a job comes back; here every call is its own.
  const id = String(request.id);
  engine.addSample({ ...(request.argument as SampleRequest), id });
  sampling.set(id, request.id);
  if (!stepping) {
    stepping = true;
    setImmediate(step);
  }
}

function step(): void {
  try {
    const { results, tokens } = engine.sampleStep();
    for (const result of results) {
      const id = sampling.get(result.id);
      sampling.delete(result.id);
      if (id !== undefined) answer(id, result);
    }
    post({ type: "tokens", tokens });
  } catch (thrown) {
    for (const id of sampling.values()) fail(id, thrown);
    sampling.clear();
    throw thrown;
  }
  stepping = engine.isSampling;
  if (stepping) setImmediate(step);
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
