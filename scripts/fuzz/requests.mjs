/** Requests of every gRPC method, as bytes, and the validation in their handlers. */
import * as protocol from "@gumshoe/protocol";

import {
  checkHeartbeat,
  checkRegistration,
} from "../../packages/coordinator/dist/fleet/check-worker.js";
import { checkLane } from "../../packages/coordinator/dist/learn/check-lane.js";
import { checkGroup } from "../../packages/coordinator/dist/sample/check-group.js";
import { readRequest, requestReader } from "../../packages/rpc/dist/read-request.js";
import { changedMessage } from "./messages.mjs";

const SERVICES = ["Fleet", "Pack", "Reducer", "Rollout", "Run", "Tensor"];
const DIGEST = "0".repeat(64);
const WEIGHTS = { version: 1, digest: DIGEST };
const PLACE = { run: "tiny", plan: "p", update: 0, lane: 0 };
const FILE = { name: "runs/tiny/checkpoints/1.tmp/model.safetensors", dataOffset: 8 };
const ROLLOUT = {
  tokens: protocol.tokensToBytes([1, 2]),
  logprobs: Buffer.alloc(8),
  finish: "stop",
  text: "A. x",
  reward: 0.5,
  gradingError: "",
  metrics: { length: 2 },
  segments: [2],
  messages: [{ role: "assistant", content: "A." }],
};

/** A valid request by method name; the other methods take a run's name. */
const REQUESTS_BY_METHOD = {
  submitRun: { config: "{ type: grpo, name: tiny, model: /nowhere }", folder: "/tmp" },
  watchRun: { name: "tiny", fromEvent: 1, gatherMs: 10 },
  listRollouts: { run: "tiny", iteration: 0, kind: "train", pageSize: 5, pageToken: "0.1" },
  downloadCheckpoint: { run: "tiny", checkpoint: "latest", withOptimizer: true, fromByte: 1 },
  register: {
    workerId: "w",
    role: "inference",
    host: "h",
    pid: 1,
    device: "cpu",
    memoryBytes: 1,
    address: "127.0.0.1:1",
    protocolVersion: protocol.PROTOCOL_VERSION,
  },
  heartbeat: { workerId: "w", state: "idle", job: "", jobAgeMs: 1, activeJobs: ["tiny/0/train/0"] },
  leave: { workerId: "w" },
  fetchGroup: { run: "tiny", groupKey: "0/train/0" },
  submitGroup: {
    run: "tiny",
    groupKey: "0/train/0",
    workerId: "w",
    weights: WEIGHTS,
    rollouts: [ROLLOUT],
    gradingMs: 1,
    runDigest: DIGEST,
  },
  completeLane: {
    ...PLACE,
    workerId: "w",
    gradientDigest: DIGEST,
    metrics: protocol.LaneMetrics.fromPartial({
      loss: 1,
      numTokens: 2,
      logprobGapMax: 0.5,
      logprobGapAt: { groupKey: "0/train/0" },
    }),
    weightsDigest: DIGEST,
  },
  pullTensor: { run: "tiny", name: "weights/1", start: 0, end: 4, hostId: "" },
  assign: { run: "tiny", plan: "p", end: 4, folder: "/nowhere", version: 1, blockSize: 4 },
  collect: { ...PLACE, address: "127.0.0.1:1" },
  norm: { ...PLACE, lanes: 1 },
  step: { ...PLACE, lr: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, gradScale: 1 },
  writeCheckpoint: { run: "tiny", plan: "p", version: 1, weights: FILE, expAvg: FILE },
};

const PLAN = { count: 1, maxAnswerTokens: 8 };

/** The first validation in the handlers of some methods. */
const CHECKS = {
  register: checkRegistration,
  heartbeat: checkHeartbeat,
  submitGroup: (request) => checkGroup(request, { plan: PLAN, weights: WEIGHTS, vocabulary: 8 }),
  completeLane: (request) => checkLane(request, 2),
};

const METHODS = SERVICES.flatMap((name) =>
  Object.entries(protocol[`${name}Service`]).map(([key, method]) => ({
    key,
    method,
    codec: { decode: method.requestDeserialize, encode: method.requestSerialize },
    request: REQUESTS_BY_METHOD[key] ?? { name: "tiny", run: "tiny", ...PLACE },
  })),
);

const requests = {
  name: "requests",
  open: async () => ({
    words: ["0/train/0", "weights/1", "gradient/p/1/0", FILE.name],
    make: (mutator) => {
      const { key, codec, request } = mutator.one(METHODS);
      return { key, bytes: changedMessage(mutator, codec, request).toString("base64") };
    },
    read: ({ key, bytes }) => {
      const { method } = METHODS.find((one) => one.key === key);
      const request = readRequest(requestReader(method)(Buffer.from(bytes, "base64")));
      CHECKS[key]?.(request);
    },
  }),
};

export const REQUESTS = [requests];
