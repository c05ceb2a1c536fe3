import { type ChildProcess, fork } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

import { formatTensorName, pullTensor, RpcChannel, TENSOR_WINDOW_BYTES } from "@gumshoe/protocol";

import { type Figure, median } from "./figure.js";
import { type BenchSettings } from "./settings.js";

/** About the weights of a model of 8 million parameters. */
const ELEMENTS = 8 * 2 ** 20;
const GIGABYTES = (ELEMENTS * Float32Array.BYTES_PER_ELEMENT) / 1e9;
const MIN_PULLS = 5;
const SHAPE = "32 MiB, float32";

/** Times how fast a vector comes from another process: streamed, and by a file in memory. */
export async function benchWire({ seconds }: BenchSettings): Promise<Figure[]> {
  const token = randomUUID();
  const peer = fork(fileURLToPath(new URL("wire-peer.js", import.meta.url)), [
    token,
    String(ELEMENTS),
  ]);
  try {
    const [streamed, byFile] = await addressesOf(peer);
    return [
      await timePulls("tensor pull, streamed by gRPC", { address: streamed, token, seconds }),
      await timePulls("tensor pull on one machine", { address: byFile, token, seconds }),
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

/** Times pulls of a vector that has not been asked for before, beside plain copies in memory. */
async function timePulls(
  name: string,
  { address, token, seconds }: { address: string; token: string; seconds: number },
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
      const tensor = formatTensorName({ type: "weights", version });
      const request = { run: "bench", name: tensor, start: 0, end: ELEMENTS, digest: "" };
      rates.push(await rate(() => pullTensor(channel, request, target)));
    }
  } finally {
    channel.close();
  }
  // The first pull opens the connection.
  const [value, limit] = [median(rates.slice(1)), median(limits.slice(1))];
  return { name, shape: SHAPE, median: value, unit: "GB/s", limit, share: value / limit };
}

/** Gigabytes per second of something that moves the whole vector. */
async function rate(work: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await work();
  return GIGABYTES / ((performance.now() - startedAtMs) / 1000);
}
