import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { createLogger, Rng, systemClock } from "@gumshoe/core";
import { loadWeights, Model, openModelFolder, Sampler } from "@gumshoe/engine";
import { createCpuDevice, type Device } from "@gumshoe/kernels";
import { ModelServer, SamplerThread, SERVER_LIMITS, ServedModel } from "@gumshoe/serve";

import type { ShapeName } from "../engine/shapes.js";
import { type Figure, median } from "../figure.js";
import type { BenchSettings } from "../settings.js";
import { writeBenchModel } from "./bench-model.js";
import type { Round, RoundResult } from "./serve-peer.js";
import { benchPrefixCaching } from "./prefix-caching.js";

const PROMPT_TOKENS = 64;
const MIN_ROUNDS = 5;

/** Number of streams, and of tokens in each. */
const WORK: Record<ShapeName, { streams: number; newTokens: number }> = {
  "2m": { streams: 32, newTokens: 128 },
  "25m": { streams: 32, newTokens: 64 },
  "0.5b": { streams: 32, newTokens: 16 },
};

/** A rate of one round. */
interface Rates {
  readonly served: number;
  readonly direct: number;
}

/**
 * Times streams of `gumshoe serve`, whose clients are another process, beside a sampler that is called directly: the same
 * prompts, seeds and so tokens, in turns.
 */
export async function benchServe(settings: BenchSettings): Promise<Figure[]> {
  const { shape, seconds, threads, onProgress } = settings;
  const { streams, newTokens } = WORK[shape];
  const folder = await writeBenchModel(shape);
  const device = createCpuDevice(threads === null ? {} : { threads });
  const server = await BenchServer.start(folder, threads);
  try {
    const model = await openModel(device, folder);
    const sampler = new Sampler({ model });
    const rates: Rates[] = [];
    const untilMs = performance.now() + seconds * 1000;
    // The first round fills caches, and is not counted.
    for (let round = 0; round <= MIN_ROUNDS || performance.now() < untilMs; round++) {
      onProgress(`round ${round}`, Math.min(1, round / MIN_ROUNDS));
      const work = { newTokens, prompts: makePrompts(server, { streams, round }) };
      const direct = sampleDirectly(sampler, server, work);
      const served = await server.run(work);
      if (served.numTokens !== direct.numTokens) {
        throw new Error(`${served.numTokens} tokens were served, not ${direct.numTokens}`);
      }
      if (round > 0) rates.push({ served: rateOf(served), direct: rateOf(direct) });
    }
    return [
      describe(`${shape}, ${streams} streams x ${newTokens}`, rates),
      ...benchPrefixCaching(model, shape),
    ];
  } finally {
    await server.stop();
    device.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}

function describe(shape: string, rates: readonly Rates[]): Figure {
  return {
    name: "serving, beside the sampler alone",
    shape,
    median: median(rates.map(({ served }) => served)),
    unit: "new tokens/s",
    limit: median(rates.map(({ direct }) => direct)),
    // Of pairs that were measured one after the other: valid on a machine with other load, too.
    share: median(rates.map(({ served, direct }) => served / direct)),
  };
}

function rateOf({ numTokens, seconds }: RoundResult): number {
  return numTokens / seconds;
}

function makePrompts(
  { model }: BenchServer,
  { streams, round }: { streams: number; round: number },
): number[][] {
  const { vocabularySize } = model.tokenizer;
  return Array.from({ length: streams }, (_, i) => {
    const rng = new Rng(41, round, i);
    return Array.from({ length: PROMPT_TOKENS }, () => 1 + rng.below(vocabularySize - 1));
  });
}

async function openModel(device: Device, folder: string): Promise<Model> {
  const source = await openModelFolder(folder);
  const model = new Model({ device, config: source.config, training: false });
  await loadWeights(model, source);
  await source.close();
  return model;
}

function sampleDirectly(sampler: Sampler, server: BenchServer, work: Round): RoundResult {
  const begunAtMs = performance.now();
  for (const [i, promptIds] of work.prompts.entries()) {
    sampler.add({
      id: String(i),
      promptIds,
      count: 1,
      temperature: 1,
      maxNewTokens: work.newTokens,
      stopTokenIds: server.model.tokenizer.stopTokenIds,
      seed: [i],
      earlyStop: null,
    });
  }
  const results = sampler.run();
  const numTokens = results.reduce(
    (sum, { rollouts }) => sum + (rollouts[0]?.tokens.length ?? 0),
    0,
  );
  return { numTokens, seconds: (performance.now() - begunAtMs) / 1000 };
}

/** A server in this process, and the process of its clients. */
class BenchServer {
  readonly #peerEnded: Promise<never>;

  private constructor(
    readonly model: ServedModel,
    private readonly thread: SamplerThread,
    private readonly server: ModelServer,
    private readonly peer: ChildProcess,
  ) {
    this.#peerEnded = once(peer, "exit").then(() => {
      throw new Error("the process of the clients ended");
    });
    this.#peerEnded.catch(() => undefined);
  }

  static async start(folder: string, threads: number | null): Promise<BenchServer> {
    const device = { type: "cpu" } as const;
    const data = { device, threads, environment: {}, kvCacheTokens: null };
    const thread = new SamplerThread(data, () => undefined);
    const model = await ServedModel.load([thread], { folder, adapter: null }, "bench");
    const key = randomUUID();
    const server = new ModelServer({
      name: "bench",
      model,
      key,
      tls: null,
      limits: SERVER_LIMITS,
      chat: {},
      clock: systemClock,
      logger: createLogger("bench", "warn"),
    });
    const address = await server.listen("127.0.0.1:0");
    const peer = fork(fileURLToPath(new URL("serve-peer.js", import.meta.url)), [address, key]);
    return new BenchServer(model, thread, server, peer);
  }

  async run(work: Round): Promise<RoundResult> {
    const answered = once(this.peer, "message");
    this.peer.send(work);
    const [result] = (await Promise.race([answered, this.#peerEnded])) as [RoundResult];
    return result;
  }

  async stop(): Promise<void> {
    this.peer.kill();
    await this.server.stop(0);
    await this.thread.stop();
  }
}
