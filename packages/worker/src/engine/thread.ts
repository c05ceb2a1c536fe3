/**
 * Entry point of the engine's thread: receives calls, computes, replies.
 *
 * Sampling yields to the event loop after every step, so that new groups join the running batch.
 */
import { workerData } from "node:worker_threads";

import { serveCalls, type ThreadContext } from "@gumshoe/core";
import type { TurnEnd } from "@gumshoe/engine";
import { DeviceLostError, openDevice } from "@gumshoe/gpu";

import { ModelSwitchedError } from "../errors.js";
import { IDLE_MS, IdleTimer } from "../host/idle-timer.js";
import type { ConversationTurn, EngineCalls, EngineOptions, SamplerNotice } from "./calls.js";
import { Engine } from "./engine.js";

type Sample = EngineCalls["sample"];

interface Sampling {
  readonly resolve: (answer: Sample["answer"]) => void;
  readonly reject: (reason: unknown) => void;
  /** The caller's name of a request with turns; null for other requests. */
  readonly conversation: number | null;
}

/** Groups in the sampler, by their id there. */
const sampling = new Map<string, Sampling>();
const options = workerData as EngineOptions;
/** The engine with its device, made at the first call. */
let opened: { readonly engine: Engine; readonly deviceName: string } | null = null;
const idle = new IdleTimer(IDLE_MS, () => open().engine.releaseIdle());
let nextSample = 1;
let stepping = false;

const notify = serveCalls<EngineCalls, SamplerNotice>({
  openDevice: () => open().deviceName,
  sample: addSample,
  resume: resumeSample,
  loadModel: (argument) => onEngine((engine) => engine.loadModel(argument)),
  setBase: (argument) => onEngine((engine) => engine.setBase(argument)),
  setReference: (argument) => onEngine((engine) => engine.setReference(argument)),
  setWeights: (argument) => onEngine((engine) => engine.setWeights(argument)),
  gradient: (argument) => {
    idle.stop();
    try {
      return onEngine((engine) => engine.gradient(argument));
    } finally {
      idle.start();
    }
  },
  assign: (argument) => onEngine((engine) => engine.shard.assign(argument)),
  writeMoments: (argument) => onEngine((engine) => engine.shard.writeMoments(argument)),
  addLane: (argument) => onEngine((engine) => engine.shard.addLane(argument)),
  sumSquares: (argument) => onEngine((engine) => engine.shard.sumSquares(argument)),
  step: (argument) => onEngine((engine) => engine.shard.step(argument)),
  readMoments: (argument) => onEngine((engine) => engine.shard.readMoments(argument)),
});

/** @throws DeviceRefusedError */
function open(): { readonly engine: Engine; readonly deviceName: string } {
  if (opened !== null) return opened;
  const device = openDevice(options.device, options);
  const engine = new Engine(device, () => failAllSamples(new ModelSwitchedError()));
  opened = { engine, deviceName: device.name };
  return opened;
}

function onEngine<T>(work: (engine: Engine) => T): T {
  try {
    return work(open().engine);
  } catch (thrown) {
    endIfLost(thrown);
    throw thrown;
  }
}

/** Ends this thread, and with it the process, when the GPU is lost to it: a new process can use it again. */
function endIfLost(thrown: unknown): void {
  if (!(thrown instanceof DeviceLostError)) return;
  setImmediate(() => {
    throw thrown;
  });
}

function addSample(
  { request, weights, conversation }: Sample["argument"],
  { signal }: ThreadContext,
): Promise<Sample["answer"]> {
  // A job that is retried has the id of its first attempt, so every call gets an id of its own in the sampler.
  const id = String(nextSample++);
  onEngine((engine) => engine.addSample({ request: { ...request, id }, weights }));
  signal.addEventListener("abort", () => {
    if (!sampling.delete(id)) return;
    open().engine.cancelSample(id);
    // Others may have waited for its blocks.
    wake();
  });
  wake();
  return new Promise((resolve, reject) =>
    sampling.set(id, { resolve, reject, conversation: conversation ?? null }),
  );
}

function resumeSample({ conversation, rollout, given }: EngineCalls["resume"]["argument"]): void {
  const found = [...sampling].find(([, one]) => one.conversation === conversation);
  if (found === undefined) return;
  onEngine((engine) => engine.resumeSample(found[0], rollout, given));
  wake();
}

/** Steps until there is no more work. */
function wake(): void {
  idle.stop();
  if (stepping) return;
  stepping = true;
  setImmediate(step);
}

function step(): void {
  const { engine } = open();
  let hasWork = false;
  try {
    const { results, turns, tokens, ...rest } = engine.sampleStep();
    ({ hasWork } = rest);
    for (const { id, rollouts } of results) {
      sampling.get(id)?.resolve({ rollouts, weights: engine.weights ?? "" });
      sampling.delete(id);
    }
    notify({ tokens, turns: turns.flatMap(ofConversation) });
  } catch (thrown) {
    failAllSamples(thrown);
    endIfLost(thrown);
    engine.dropModel();
  }
  stepping = hasWork;
  if (stepping) setImmediate(step);
  else idle.start();
}

function ofConversation({ id, ...turn }: TurnEnd): ConversationTurn[] {
  const conversation = sampling.get(id)?.conversation ?? null;
  return conversation === null ? [] : [{ ...turn, conversation }];
}

function failAllSamples(thrown: unknown): void {
  for (const { reject } of sampling.values()) reject(thrown);
  sampling.clear();
}
