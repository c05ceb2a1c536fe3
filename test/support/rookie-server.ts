/** The server of `gumshoe serve` with the small model; the sampler's thread is the built package's, as in production. */
import { createLogger, systemClock } from "@gumshoe/core";
import {
  ModelServer,
  type ModelServerOptions,
  SamplerThread,
  SERVER_LIMITS,
  ServedModel,
} from "@gumshoe/serve";

import { ROOKIE } from "./rookie.js";

/** The name by which clients ask for the model, and the server's key. */
export const MODEL_NAME = "rookie";
export const KEY = "the-key";

/** Options that differ from the usual ones. */
export interface ServerChanges extends Partial<Omit<ModelServerOptions, "limits">> {
  readonly limits?: Partial<ModelServerOptions["limits"]>;
}

/** Starts a sampler's thread that has the model. */
export async function loadRookie(): Promise<{ thread: SamplerThread; model: ServedModel }> {
  const device = { type: "cpu" } as const;
  const data = { device, threads: 1, environment: {}, kvCacheTokens: null };
  const thread = new SamplerThread(data, () => undefined);
  const folders = { folder: ROOKIE, adapter: null };
  return { thread, model: await ServedModel.load([thread], folders, "the rookie") };
}

/** Makes a server that does not listen yet. */
export function makeServer(
  model: ServedModel,
  { limits, ...changes }: ServerChanges = {},
): ModelServer {
  return new ModelServer({
    name: MODEL_NAME,
    model,
    key: KEY,
    tls: null,
    limits: { ...SERVER_LIMITS, ...limits },
    chat: {},
    clock: systemClock,
    logger: createLogger("test", "silent"),
    ...changes,
  });
}
