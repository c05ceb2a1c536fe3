/** What a client reads from a coordinator, and workers from each other: events, runs, checkpoints, tensors. */
import { rmSync } from "node:fs";
import { join } from "node:path";

import { status } from "@grpc/grpc-js";
import {
  CheckpointChunk,
  fromRunEvent,
  MalformedMessageError,
  Run,
  RunEvent,
  TensorService,
} from "@gumshoe/protocol";
import { fromGrpcFailure, toGrpcFailure } from "@gumshoe/rpc";
import { ClusterError } from "@gumshoe/core";

import { CheckpointIntake } from "../../packages/client/dist/checkpoint-intake.js";
import { fromRun } from "../../packages/client/dist/run-info.js";
import { makeFolder, textOf } from "./files.mjs";
import { changedMessage } from "./messages.mjs";

const CALL = { method: "/gumshoe.v1.RunService/GetRun", address: "127.0.0.1:1" };

/** The codec of a generated type of message. */
function codecOf(type) {
  return { decode: type.decode, encode: (value) => type.encode(value).finish() };
}

/** Decodes as a channel does: what the decoder throws is an error of the call. */
function decoded(decode, bytes) {
  try {
    return decode(bytes);
  } catch (cause) {
    throw new MalformedMessageError("is no message", cause);
  }
}

const events = {
  name: "events",
  open: async () => {
    const valid = textOf("test/ledgers/events-0.1.0.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line.slice(9)).body);
    return {
      words: valid.map(({ type }) => type),
      make: (mutator) => {
        const json = mutator.json(valid);
        const { type } = mutator.one(valid);
        const found = /"type":"([\w-]+)"/.exec(json)?.[1] ?? type;
        const event = { number: 1, atMs: 2, type: found, json, later: [] };
        return changedMessage(mutator, codecOf(RunEvent), event);
      },
      read: (bytes) => {
        const event = decoded(RunEvent.decode, bytes);
        for (const one of [event, ...event.later]) fromRunEvent(one);
      },
    };
  },
};

const runs = {
  name: "runs",
  open: async () => {
    const valid = {
      name: "tiny",
      state: 2,
      configJson: "{}",
      iterationsTotal: 3,
      weights: { version: 1, digest: "0" },
      resultJson: "{}",
      submittedAtMs: 1,
      warnings: ["slow"],
    };
    return {
      words: ["configJson", "__proto__"],
      make: (mutator) => changedMessage(mutator, codecOf(Run), valid),
      read: (bytes) => fromRun(decoded(Run.decode, bytes)),
    };
  },
};

const downloads = {
  name: "downloads",
  open: async () => {
    const folder = makeFolder();
    const sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const checkpoint = {
      iteration: 1,
      weights: { version: 1, digest: "0" },
      files: [{ name: "config.json", bytes: 4, sha256 }],
    };
    const valid = [{ checkpoint }, { file: "config.json", offset: 0, data: Buffer.from("abcd") }];
    return {
      words: ["../x", "/etc/passwd", "config.json"],
      make: (mutator) =>
        valid.map((one) =>
          changedMessage(mutator, codecOf(CheckpointChunk), one).toString("base64"),
        ),
      read: async (chunks) => {
        const intake = new CheckpointIntake(folder.path);
        try {
          for (const chunk of chunks) {
            await intake.take(decoded(CheckpointChunk.decode, Buffer.from(chunk, "base64")));
          }
        } finally {
          await intake.close();
          for (const { name } of intake.checkpoint?.files ?? []) {
            rmSync(join(folder.path, name), { force: true });
          }
        }
      },
      close: () => folder.remove(),
    };
  },
};

const tensors = {
  name: "tensors",
  open: async () => {
    const { responseDeserialize } = TensorService.pullTensor;
    const chunk = { offset: 4, data: Buffer.alloc(16), dtype: "f32" };
    const file = { ...chunk, file: "/proc/1/fd/3", fileOffset: 8, fileElements: 4 };
    const codec = {
      decode: responseDeserialize,
      encode: (value) => {
        const message = TensorService.pullTensor.responseSerialize(value);
        const bytes = Buffer.alloc(message.byteLength);
        message.copy(bytes);
        return bytes;
      },
    };
    return {
      words: ["f32"],
      make: (mutator) => changedMessage(mutator, codec, mutator.one([chunk, file])),
      read: (bytes) => decoded(responseDeserialize, bytes),
    };
  },
};

const failures = {
  name: "failures",
  open: async () => {
    const { details, metadata } = toGrpcFailure(
      new ClusterError("NOT_FOUND", "no run x", { details: { run: "x" } }),
    );
    const [trailer] = metadata.get("gumshoe-error-bin");
    return {
      words: ["code", "details", "NOT_FOUND", "Received message larger than max (9 vs 3)"],
      make: (mutator) => ({
        code: mutator.random.below(20),
        details: mutator.text([details]),
        trailer: mutator.json([JSON.parse(trailer)]),
      }),
      read: (failure) => {
        const answered = metadata.clone();
        answered.set("gumshoe-error-bin", Buffer.from(failure.trailer));
        const error = fromGrpcFailure(
          { code: failure.code ?? status.UNKNOWN, details: failure.details, metadata: answered },
          CALL,
        );
        if (!(error instanceof ClusterError)) throw new Error("gives no ClusterError");
        toGrpcFailure(error);
      },
    };
  },
};

export const RESPONSES = [events, runs, downloads, tensors, failures];
