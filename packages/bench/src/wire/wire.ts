import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { formatTensorName } from "@gumshoe/protocol";
import { RpcChannel } from "@gumshoe/rpc";
import { pullTensor, TENSOR_WINDOW_BYTES } from "@gumshoe/tensors";

import { type Figure, median } from "../figure.js";
import { type BenchSettings } from "../settings.js";
// Import only the type: the peer module starts serving when it is loaded.
import type { PublishedTensor } from "./wire-peer.js";

/** About the size of a model with 64 million parameters. */
const ELEMENTS = 64 * 2 ** 20;
const GIGABYTES = (ELEMENTS * Float32Array.BYTES_PER_ELEMENT) / 1e9;
const MIN_PULLS = 5;
const SHAPE = "256 MiB, float32";
/** Wait after publishing a vector, in ms: enough to write its file. */
const PUBLISHED_MS = 300;

/**
 * Times the transfer of a vector from another process: streamed; by a shared-memory file that is
 * written on request; by a file that was written when the vector was published, as for weights.
 */
export async function benchWire({ seconds }: BenchSettings): Promise<Figure[]> {
  const token = randomUUID();
  const peer = fork(fileURLToPath(new URL("wire-peer.js", import.meta.url)), [
    ...[token, String(ELEMENTS)],
  ]);
  try {
    const [streamed, byFile] = await addressesOf(peer);
    const publish = async (tensor: PublishedTensor) => {
      peer.send(tensor);
      await sleep(PUBLISHED_MS);
    };
    const time = (name: string, pulls: Pick<Pulls, "address" | "publish">) =>
      timePulls(name, { token, seconds, ...pulls });
    return [
      await time("tensor pull, streamed by gRPC", { address: streamed }),
      await time("tensor pull on one machine, when asked", { address: byFile }),
      await time("tensor pull on one machine, once published", { address: byFile, publish }),
    ];
  } finally {
    peer.kill();
  }
}

async function addressesOf(peer: ChildProcess): Promise<[string, string]> {
  const ended = once(peer, "exit").then(() => {
    throw new Error("the process that holds the vector ended");
  });
  const [addresses] = (await Promise.race([once(peer, "message"), ended])) as [[string, string]];
  ended.catch(() => undefined);
  return addresses;
}

interface Pulls {
  readonly address: string;
  readonly token: string;
  readonly seconds: number;
  /** Called with each tensor's name before it is pulled. */
  readonly publish?: (tensor: PublishedTensor) => Promise<void>;
}

/** Times pulls of a vector under new names, alternating with plain copies in memory. */
async function timePulls(
  name: string,
  { address, token, seconds, publish }: Pulls,
): Promise<Figure> {
  const channel = new RpcChannel(address, { token, windowBytes: TENSOR_WINDOW_BYTES });
  const target = new Float32Array(ELEMENTS);
  const source = new Float32Array(ELEMENTS).fill(2);
  const rates: number[] = [];
  const limits: number[] = [];
  const stopAtMs = performance.now() + seconds * 1000;
  try {
    for (let version = 0; rates.length <= MIN_PULLS || performance.now() < stopAtMs; version++) {
      limits.push(await rate(async () => target.set(source)));
      const tensor = { run: name, name: formatTensorName({ type: "weights", version }) };
      await publish?.(tensor);
      const request = { ...tensor, start: 0, end: ELEMENTS, digest: "" };
      rates.push(await rate(() => pullTensor(channel, request, target)));
    }
  } finally {
    channel.close();
  }
  // Exclude the first pull, which opens the connection.
  const [value, limit] = [median(rates.slice(1)), median(limits.slice(1))];
  return { name, shape: SHAPE, median: value, unit: "GB/s", limit, share: value / limit };
}

/** Returns gigabytes per second for work that moves the whole vector. */
async function rate(work: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return GIGABYTES / ((performance.now() - startedAtMs) / 1000);
}
