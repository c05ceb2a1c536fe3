import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { formatTensorName } from "@gumshoe/protocol";
import { RpcChannel } from "@gumshoe/rpc";
import { findTensorFile, pullTensor, Region, TENSOR_WINDOW_BYTES } from "@gumshoe/tensors";

import { type Figure, median } from "../figure.js";
import type { BenchSettings } from "../settings.js";

/** About the size of a model with 64 million parameters. */
const ELEMENTS = 64 * 2 ** 20;
const GIGABYTES = (ELEMENTS * Float32Array.BYTES_PER_ELEMENT) / 1e9;
const MIN_PULLS = 5;
const SHAPE = "256 MiB, float32";

/**
 * Times how fast a vector of another process is there: streamed into memory of this one; as a region of this
 * machine that is found, mapped, and read once.
 */
export async function benchWire({ seconds }: BenchSettings): Promise<Figure[]> {
  const token = randomUUID();
  const peer = fork(fileURLToPath(new URL("wire-peer.js", import.meta.url)), [
    ...[token, String(ELEMENTS)],
  ]);
  try {
    const address = await addressOf(peer);
    const time = (name: string, get: Get) => timePulls(name, { token, seconds, address, get });
    return [
      await time("tensor pull, streamed by gRPC", pullTensor),
      await time("tensor on one machine, mapped and read", readMapped),
    ];
  } finally {
    peer.kill();
  }
}

async function addressOf(peer: ChildProcess): Promise<string> {
  const ended = once(peer, "exit").then(() => {
    throw new Error("the process that holds the vector ended");
  });
  const [address] = (await Promise.race([once(peer, "message"), ended])) as [string];
  ended.catch(() => undefined);
  return address;
}

type Get = typeof readMapped;

async function readMapped(
  channel: RpcChannel,
  request: Parameters<typeof findTensorFile>[1],
  target: Float32Array,
): Promise<void> {
  const file = await findTensorFile(channel, request);
  const region = file === null ? null : Region.open(file.path, target.length, file.inode);
  if (region === null) throw new Error("this machine's processes share no memory");
  target.set(region.values);
  region.close();
}

interface Pulls {
  readonly address: string;
  readonly token: string;
  readonly seconds: number;
  /** Fills the target with the vector. */
  readonly get: Get;
}

/** Times pulls of a vector, beside plain copies in memory. */
async function timePulls(name: string, { address, token, seconds, get }: Pulls): Promise<Figure> {
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
      const request = { ...tensor, start: 0, end: ELEMENTS };
      rates.push(await rate(() => get(channel, request, target)));
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
