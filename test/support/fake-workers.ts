/**
 * Workers that use the real protocol and compute almost nothing: the sampler draws from a seed, a
 * lane's gradient is one number, a step subtracts it. Dependencies are those of real workers, so
 * that a coordinator that mixes up data ends with other weights.
 */
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";

import { ClusterError, diskError, Rng, sha256 } from "@gumshoe/core";
import { openModelFolder } from "@gumshoe/engine";
import { NO_METRICS } from "@gumshoe/grpo";
import {
  type CompleteLaneRequest,
  FleetService,
  floatsToBytes,
  type GroupSpec,
  type Lane,
  PackService,
  PROTOCOL_VERSION,
  ReducerService,
  RolloutService,
  type SubmitGroupRequest,
  tokenCount,
  tokensToBytes,
  type WorkerRole,
} from "@gumshoe/protocol";
import { JobWorker, type RedisLink } from "@gumshoe/queue";
import { RpcChannel, type RpcClient, type RpcHandlers, RpcServer } from "@gumshoe/rpc";
import { blockDigests } from "@gumshoe/tensors";

const HEARTBEAT_MS = 100;

/** The cluster of a fake worker. */
export interface FakeHome {
  readonly coordinator: RpcChannel;
  readonly redis: RedisLink;
  readonly token: string;
  /** Folder of the coordinator. */
  readonly home: string;
}

/** Makes a group's answers as a function of its spec, the weights included. */
function fakeGroup(spec: GroupSpec, workerId: string): SubmitGroupRequest {
  const { run, groupKey, weights, runDigest } = spec;
  const salt = Number.parseInt((weights?.digest ?? "0").slice(0, 8), 16);
  const rollouts = Array.from({ length: spec.count }, (_, rollout) => {
    const rng = new Rng(salt, ...spec.seed, rollout);
    const tokens = Array.from({ length: 1 + rng.below(5) }, () => rng.below(100));
    const logprobs = floatsToBytes(Float32Array.from(tokens, () => -rng.uniform()));
    const common = { finish: "stop", text: `answer ${rollout}`, gradingError: "", metrics: {} };
    const oneTurn = { segments: [], messages: [] };
    const ids = tokensToBytes(tokens);
    return { ...common, ...oneTurn, tokens: ids, logprobs, reward: rng.below(5) / 4 };
  });
  return { run, groupKey, weights, workerId, rollouts, gradingMs: 0, runDigest };
}

/** Returns a lane's gradient: one number for every parameter. */
function fakeGradient({ packs, reference }: Lane): number {
  const salt = reference === undefined ? 0 : Number.parseInt(reference.digest.slice(0, 4), 16);
  let total = salt / 2 ** 20;
  for (const { answers } of packs) {
    for (const { advantage, weight, tokens } of answers) {
      total += (advantage + 0.25) * weight * tokenCount(tokens);
    }
  }
  return Math.fround(total);
}

/** Keeps a worker registered, like the real membership. */
class FakeMember {
  readonly #fleet: RpcClient<typeof FleetService>;
  readonly #timer: NodeJS.Timeout;
  readonly #registration: Parameters<RpcClient<typeof FleetService>["register"]>[0];
  #joining = false;

  constructor(home: FakeHome, who: { workerId: string; role: WorkerRole; address: string }) {
    this.#fleet = home.coordinator.client(FleetService);
    // All fake workers share this process's pid, so each announces a host of its own.
    const more = { host: who.workerId, pid: process.pid, device: "fake", memoryBytes: 2 ** 34 };
    this.#registration = { ...who, ...more, protocolVersion: PROTOCOL_VERSION };
    this.#timer = setInterval(() => void this.#beat(), HEARTBEAT_MS);
  }

  async join(): Promise<void> {
    await this.#fleet.register(this.#registration);
  }

  /** Stops the heartbeats. */
  stop(): void {
    clearInterval(this.#timer);
  }

  async leave(): Promise<void> {
    this.stop();
    const { workerId } = this.#registration;
    await this.#fleet.leave({ workerId }, { deadlineMs: 500 }).catch(() => undefined);
  }

  async #beat(): Promise<void> {
    if (this.#joining) return;
    const vitals = { state: "busy", job: "a-job", jobAgeMs: 5, weightVersion: 0, jobsDone: 0 };
    const { workerId } = this.#registration;
    try {
      await this.#fleet.heartbeat({
        workerId,
        ...vitals,
        tokensPerSecond: 1,
        tokensDone: 0,
        activeJobs: [],
        waitingFor: "",
      });
    } catch {
      this.#joining = true;
      await this.join().catch(() => undefined);
      this.#joining = false;
    }
  }
}

/** Hooks by which a test can modify the submissions of fake workers. */
export interface FakeHooks {
  /** Can modify a group, or submit others first. */
  readonly group?: (
    group: SubmitGroupRequest,
    submit: (group: SubmitGroupRequest) => Promise<unknown>,
  ) => Promise<SubmitGroupRequest>;
  /** Can modify a lane's report, or submit others first. */
  readonly lane?: (
    report: CompleteLaneRequest,
    complete: (report: CompleteLaneRequest) => Promise<unknown>,
  ) => Promise<CompleteLaneRequest>;
  /** Called before a reducer writes its part of a checkpoint. */
  readonly checkpoint?: () => Promise<void>;
}

/** The weight versions that reducers serve, by address: replaces the transfer of weights. */
const served = new Map<string, Set<number>>();

/** @throws ClusterError when a reducer does not serve the weights that a group names */
function checkServed({ groupKey, weights, weightSources }: GroupSpec): void {
  const version = weights?.version ?? 0;
  const lacking = weightSources.find(({ address }) => served.get(address)?.has(version) !== true);
  if (lacking === undefined) return;
  const problem = `${lacking.address} does not serve version ${version}, which ${groupKey} names`;
  throw new ClusterError("NOT_FOUND", problem);
}

/** Samples groups. */
export class FakeInference {
  readonly #worker: JobWorker<"rollout">;
  readonly #member: FakeMember;

  constructor(home: FakeHome, workerId: string, hooks: FakeHooks = {}) {
    const rollouts = home.coordinator.client(RolloutService);
    this.#member = new FakeMember(home, { workerId, role: "inference", address: `${workerId}:1` });
    this.#worker = new JobWorker("rollout", {
      redis: home.redis,
      concurrency: 2,
      handler: async ({ run, groupKey }) => {
        const spec = await rollouts.fetchGroup({ run, groupKey });
        checkServed(spec);
        const group = fakeGroup(spec, workerId);
        const submit = (changed: SubmitGroupRequest) => rollouts.submitGroup(changed);
        await submit(hooks.group === undefined ? group : await hooks.group(group, submit));
      },
    });
  }

  start(): Promise<void> {
    return this.#member.join();
  }

  /** Stops its heartbeats and its work, like a hanging process. */
  hang(): void {
    this.#member.stop();
  }

  async stop(): Promise<void> {
    await this.#member.leave();
    await this.#worker.close(0);
  }
}

/** Available gradients by address and name: replaces the bulk transfer. */
const offered = new Map<string, number>();

/** Computes lanes. */
export class FakeTrainer {
  readonly #worker: JobWorker<"gradient">;
  readonly #member: FakeMember;

  constructor(home: FakeHome, workerId: string, hooks: FakeHooks = {}) {
    const packs = home.coordinator.client(PackService);
    const address = `${workerId}:1`;
    this.#member = new FakeMember(home, { workerId, role: "trainer", address });
    this.#worker = new JobWorker("gradient", {
      redis: home.redis,
      handler: async ({ run, update, lane, plan }) => {
        const work = await packs.fetchLane({ run, update, lane });
        if (work.plan !== plan) return;
        const gradient = fakeGradient(work);
        offered.set(`${address} ${plan}/${update}/${lane}`, gradient);
        await deliver(home.token, work, address);
        const numTokens = work.packs.flatMap(({ answers }) => answers).length;
        const report: CompleteLaneRequest = {
          run,
          update,
          lane,
          plan,
          workerId,
          gradientDigest: sha256(String(gradient)),
          metrics: { ...NO_METRICS, logprobGapAt: undefined, numTokens, loss: gradient },
          weightsDigest: work.weights?.digest ?? "",
        };
        const complete = (changed: CompleteLaneRequest) => packs.completeLane(changed);
        await complete(hooks.lane === undefined ? report : await hooks.lane(report, complete));
      },
    });
  }

  start(): Promise<void> {
    return this.#member.join();
  }

  async stop(): Promise<void> {
    await this.#member.leave();
    await this.#worker.close(0);
  }
}

async function deliver(token: string, lane: Lane, address: string): Promise<void> {
  const { run, plan, update, lane: index } = lane;
  for (const reducer of lane.reducers) {
    const channel = new RpcChannel(reducer.address, { token });
    try {
      await channel.client(ReducerService).collect({ run, plan, update, lane: index, address });
    } finally {
      channel.close();
    }
  }
}

interface Held {
  readonly plan: string;
  readonly start: number;
  readonly end: number;
  readonly blockSize: number;
  values: Float32Array;
  version: number;
  readonly lanes: Map<number, number>;
}

/** Owns a range of the parameters. */
export class FakeReducer {
  readonly #home: FakeHome;
  readonly #workerId: string;
  readonly #server: RpcServer;
  readonly #hooks: FakeHooks;
  #member: FakeMember | null = null;
  #held: Held | null = null;
  #address = "";
  /** The ranges assigned so far. */
  readonly assigned: { folder: string; version: number }[] = [];
  /** The references set so far. */
  readonly references: { folder: string; version: number }[] = [];

  constructor(home: FakeHome, workerId: string, hooks: FakeHooks = {}) {
    this.#home = home;
    this.#workerId = workerId;
    this.#hooks = hooks;
    this.#server = new RpcServer({ token: home.token });
    this.#server.serve(ReducerService, this.#handlers());
  }

  async start(): Promise<void> {
    const address = await this.#server.listen("127.0.0.1:0");
    this.#address = address;
    this.#member = new FakeMember(this.#home, {
      workerId: this.#workerId,
      role: "reducer",
      address,
    });
    await this.#member.join();
  }

  /** Disappears at once, with all its state. */
  async stop(): Promise<void> {
    await this.#member?.leave();
    await this.#server.stop(0);
  }

  #handlers(): RpcHandlers<typeof ReducerService> {
    return {
      assign: async ({ plan, start, end, blockSize, folder, version }) => {
        this.assigned.push({ folder, version });
        const model = await openModelFolder(folder);
        const values = await model.readParameters(start, end);
        await model.close();
        this.#held = { plan, start, end, blockSize, values, version, lanes: new Map() };
        served.set(this.#address, new Set([version]));
        return { blockDigests: blockDigests(values) };
      },
      setReference: async ({ plan, folder, version }) => {
        const held = this.#held;
        if (held?.plan !== plan) throw new ClusterError("ABORTED", `plan ${plan} is not here`);
        this.references.push({ folder, version });
        const model = await openModelFolder(folder);
        const values = await model.readParameters(held.start, held.end);
        await model.close();
        return { blockDigests: blockDigests(values) };
      },
      collect: async ({ plan, update, lane, address }) => {
        const gradient = offered.get(`${address} ${plan}/${update}/${lane}`);
        if (gradient === undefined) throw new Error(`${address} offers no lane ${lane}`);
        this.#of(plan, update).lanes.set(lane, gradient);
        return {};
      },
      norm: async ({ plan, update, lanes }) => {
        const held = this.#of(plan, update);
        const gradient = sum(held, lanes);
        const blockSums: number[] = [];
        for (let at = held.start; at < held.end; at += held.blockSize) {
          blockSums.push(Math.min(held.blockSize, held.end - at) * gradient ** 2);
        }
        return { blockSums };
      },
      step: async ({ plan, update, lr, gradScale, keepVersions }) => {
        const held = this.#of(plan, update);
        const before = served.get(this.#address) ?? new Set();
        const kept = keepVersions.filter((version) => before.has(version));
        served.set(this.#address, new Set([...kept, update + 1]));
        const move = lr * gradScale * sum(held, held.lanes.size);
        held.values = held.values.map((value) => value - move);
        held.version += 1;
        held.lanes.clear();
        return { blockDigests: blockDigests(held.values) };
      },
      writeCheckpoint: async ({ plan, version, weights }) => {
        await this.#hooks.checkpoint?.();
        const { values, start } = this.#of(plan, version);
        const { name, dataOffset } = weights ?? { name: "", dataOffset: 0 };
        const path = join(this.#home.home, name);
        try {
          const file = await open(path, "r+");
          const bytes = floatsToBytes(values);
          await file
            .write(bytes, 0, bytes.byteLength, dataOffset + 4 * start)
            .finally(() => file.close());
        } catch (error) {
          throw diskError(error, dirname(path), values.byteLength) ?? error;
        }
        return { blockDigests: blockDigests(values) };
      },
    };
  }

  #of(plan: string, version: number): Held {
    const held = this.#held;
    if (held?.plan !== plan || held.version !== version) {
      throw new ClusterError("ABORTED", `plan ${plan}, version ${version} is not here`);
    }
    return held;
  }
}

/** In lane order. */
function sum(held: Held, lanes: number): number {
  let total = 0;
  for (let lane = 0; lane < lanes; lane++) {
    const gradient = held.lanes.get(lane);
    if (gradient === undefined) throw new Error(`lane ${lane} is missing`);
    total = Math.fround(total + gradient);
  }
  return total;
}
