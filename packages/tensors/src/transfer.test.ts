import { hostIdentity } from "@gumshoe/core";
import {
  floatsToBytes,
  type PullTensorRequest,
  type TensorChunk,
  TensorService,
} from "@gumshoe/protocol";
import { RpcChannel, RpcServer } from "@gumshoe/rpc";
import { afterEach, beforeEach, expect, test } from "vitest";

import { TensorNotHeldError } from "./errors.js";
import { findTensorFile, heldVector, pullTensor, serveTensor } from "./transfer.js";

// 8 MiB and a bit: several chunks, the last one ragged.
const VALUES = Float32Array.from({ length: 2_100_001 }, (_, i) => i);
const HELD = heldVector(1000, VALUES);

let server: RpcServer;
let channel: RpcChannel;
let serve: (request: PullTensorRequest) => AsyncIterable<TensorChunk>;

beforeEach(async () => {
  serve = (request) => serveTensor(request, HELD);
  server = new RpcServer({ token: "t" });
  server.serve(TensorService, { pullTensor: (request) => serve(request) });
  const address = await server.listen("127.0.0.1:0");
  channel = new RpcChannel(address, { token: "t", windowBytes: 2 * 1024 * 1024 });
});
afterEach(async () => {
  channel.close();
  await server.stop(0);
});

function request(start: number, end: number): PullTensorRequest {
  return { run: "r", name: "weights/3", start, end, hostId: "" };
}

function chunk(offset: number, data: Buffer): TensorChunk {
  const noFile = { file: "", fileOffset: 0, fileElements: 0, fileGeneration: 0 };
  return { offset, data, dtype: "f32", ...noFile };
}

test("a range arrives bit for bit, wherever it begins", async () => {
  for (const [start, end] of [
    [1000, 2_101_001],
    [1001, 1002],
    [500_000, 1_300_123],
  ] as const) {
    const target = new Float32Array(end - start);
    await pullTensor(channel, request(start, end), target);
    const expected = VALUES.subarray(start - 1000, end - 1000);
    expect(floatsToBytes(target).equals(floatsToBytes(expected))).toBe(true);
  }
});

test("concurrent pulls get their own values", async () => {
  const negated = VALUES.map((value) => -value);
  const other = heldVector(1000, negated);
  serve = (request) => serveTensor(request, request.name === "weights/3" ? HELD : other);
  const pulls = Array.from({ length: 8 }, async (_, i) => {
    const [name, held] =
      i % 2 === 0 ? (["weights/3", VALUES] as const) : (["weights/4", negated] as const);
    const target = new Float32Array(VALUES.length);
    await pullTensor(channel, { ...request(1000, 2_101_001), name }, target);
    expect(floatsToBytes(target).equals(floatsToBytes(held)), `pull ${i}`).toBe(true);
  });
  await Promise.all(pulls);
});

test("values are passed to a function piece by piece, in order", async () => {
  const got = new Float32Array(1_300_000);
  let next = 500_000;
  await pullTensor(channel, request(500_000, 1_800_000), (values, start) => {
    expect(start).toBe(next);
    got.set(values, start - 500_000);
    next += values.length;
  });
  expect(floatsToBytes(got).equals(floatsToBytes(VALUES.subarray(499_000, 1_799_000)))).toBe(true);
});

test.skipIf(hostIdentity() === "")(
  "a caller on this machine is told where a region is, and the values are streamed if there is none",
  async () => {
    const file = { path: "/proc/1/fd/3", inode: 4242 };
    expect(await findTensorFile(channel, request(1000, 2000))).toBeNull();
    serve = (request) => serveTensor(request, { ...HELD, file });
    expect(await findTensorFile(channel, request(1000, 2000))).toEqual(file);
    await expect(findTensorFile(channel, request(0, 2000))).rejects.toThrow("is held from 1000");
    // A pull gets the values whether or not memory is shared.
    const target = new Float32Array(1000);
    await pullTensor(channel, request(1000, 2000), target);
    expect(target).toEqual(VALUES.slice(0, 1000));
    // A caller on another machine is not referred to a file of this one.
    serve = (request) => serveTensor({ ...request, hostId: "elsewhere" }, { ...HELD, file });
    expect(await findTensorFile(channel, request(1000, 2000))).toBeNull();
  },
);

test("an empty range is no error", async () => {
  await pullTensor(channel, request(1500, 1500), new Float32Array(0));
});

test("a range that is not wholly held is NOT_FOUND, and the message names the held range", async () => {
  await expect(pullTensor(channel, request(0, 10), new Float32Array(10))).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: "weights/3 is held from 1000 to 2101001, not 0 to 10",
  });
  serve = ({ name }) => {
    throw new TensorNotHeldError(name);
  };
  await expect(
    pullTensor(channel, request(1000, 1010), new Float32Array(10)),
  ).rejects.toMatchObject({ code: "NOT_FOUND", message: "weights/3 is not held here" });
});

test("a stream that ends early, skips values, or is too long is refused", async () => {
  const target = new Float32Array(100);
  const pull = () => pullTensor(channel, request(1000, 1100), target);
  const stream = (...offsets: [number, number][]) =>
    async function* () {
      for (const [offset, length] of offsets) {
        yield chunk(offset, Buffer.alloc(length * 4));
      }
    };
  serve = stream([1000, 50]);
  await expect(pull()).rejects.toThrow("ended at 1050, not at 1100");
  serve = stream([1000, 50], [1051, 49]);
  await expect(pull()).rejects.toThrow("a chunk of f32 at 1051 where f32 at 1050 must come");
  serve = stream([1000, 101]);
  await expect(pull()).rejects.toThrow("more elements than were asked for");
});

test("a slow client slows the server down instead of filling its memory", async () => {
  let served = 0;
  serve = async function* () {
    for (let i = 0; i < 64; i++) {
      served++;
      yield chunk(i * 262_144, Buffer.alloc(1024 * 1024));
    }
  };
  let received = 0;
  for await (const { data } of channel.client(TensorService).pullTensor(request(0, 1))) {
    received += data.byteLength;
    if (received === 1024 * 1024) {
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(served).toBeLessThan(40);
    }
  }
  expect(received).toBe(64 * 1024 * 1024);
});

test("a pull that is aborted stops the server's stream", async () => {
  let stopped = false;
  serve = async function* () {
    try {
      for (let i = 0; ; i++) {
        yield chunk(i * 256, Buffer.alloc(1024));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    } finally {
      stopped = true;
    }
  };
  const signal = AbortSignal.timeout(100);
  const target = new Float32Array(1_000_000);
  await expect(
    pullTensor(channel, request(0, 1_000_000), target, { signal }),
  ).rejects.toMatchObject({ name: "TimeoutError" });
  await expect.poll(() => stopped, { timeout: 10_000 }).toBe(true);
});
