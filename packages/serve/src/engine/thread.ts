/**
 * Entry point of the sampler's thread.
 *
 * Sampling yields to the event loop after every step, so that new requests join the batch, and those of callers
 * that have left go.
 */
import { workerData } from "node:worker_threads";

import { ClusterError, serveCalls, type ThreadContext } from "@gumshoe/core";
import { DeviceLostError, openDevice } from "@gumshoe/gpu";

import type { SamplerCalls, SamplerThreadData } from "./calls.js";
import { HeldModels } from "./held-models.js";
import { type StepReport, toStepReport } from "./token-rows.js";

interface Waiting {
  readonly resolve: (answer: null) => void;
  readonly reject: (reason: unknown) => void;
}

const data = workerData as SamplerThreadData;
const waiting = new Map<string, Waiting>();
let opened: { readonly models: HeldModels; readonly deviceName: string } | null = null;
let stepping = false;

const notify = serveCalls<SamplerCalls, StepReport>({
  openDevice: () => open().deviceName,
  load: (folders) => open().models.load(folders),
  unload: ({ model }) => {
    fail(open().models.unload(model), new ClusterError("ABORTED", "the model was replaced"));
    return null;
  },
  sample,
});

/** @throws DeviceRefusedError */
function open() {
  if (opened !== null) return opened;
  const { threads, environment, kvCacheTokens } = data;
  const device = openDevice(data.device, {
    ...(threads === null ? {} : { threads }),
    environment,
  });
  opened = { models: new HeldModels(device, kvCacheTokens), deviceName: device.name };
  return opened;
}

function sample(
  { request, model, sample: wanted }: SamplerCalls["sample"]["argument"],
  { signal }: ThreadContext,
): Promise<null> {
  const id = String(request);
  const { models } = open();
  models.add(model, { ...wanted, id });
  signal.addEventListener("abort", () => {
    models.cancel(id);
    waiting.delete(id);
  });
  if (!stepping) {
    stepping = true;
    setImmediate(step);
  }
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function step(): void {
  const { models } = open();
  const { finished, failed, ...sampled } = models.step();
  if (sampled.tokens.length > 0) notify(toStepReport(sampled));
  for (const id of finished) {
    waiting.get(id)?.resolve(null);
    waiting.delete(id);
  }
  for (const { ids, error } of failed) {
    // A new process can use the GPU again.
    if (error instanceof DeviceLostError) throw error;
    fail(ids, error);
  }
  stepping = !models.isIdle;
  if (stepping) setImmediate(step);
}

function fail(ids: readonly string[], error: unknown): void {
  for (const id of ids) {
    waiting.get(id)?.reject(error);
    waiting.delete(id);
  }
}
