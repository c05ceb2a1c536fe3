import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";

import { type Clock, ClusterError, type Logger, systemClock } from "@gumshoe/core";
import { type DeviceName, type ListedGpu, listGpus } from "@gumshoe/gpu";
import { GROUPS_IN_FLIGHT } from "@gumshoe/memory";
import {
  FleetService,
  PackService,
  ReducerService,
  RolloutService,
  TensorService,
  type WorkerState,
} from "@gumshoe/protocol";
import { type JobContext, JobWorker, RedisLink } from "@gumshoe/queue";
import { RpcChannel, type RpcHandlers, RpcServer } from "@gumshoe/rpc";
import { type HeldRange, RegionDirectory, serveTensor, TensorNotHeldError } from "@gumshoe/tensors";

import { EngineThread } from "../engine/engine-thread.js";
import { EngineLostError, WorkerDeviceError } from "../errors.js";
import { RolloutRole } from "../inference/rollout-role.js";
import { ReducerRole } from "../reducer/reducer-role.js";
import { EngineSession } from "../session/engine-session.js";
import type { WorkerSettings } from "../settings.js";
import { GradientRole } from "../trainer/gradient-role.js";
import { announcedAddress } from "./announced-address.js";
import { Channels } from "./channels.js";
import { JobLog } from "./job-log.js";
import { type LeasedGpu, leaseGpu } from "./leased-gpu.js";
import { Membership, type Vitals } from "./membership.js";
import { TokenRate } from "./token-rate.js";

/** Certificate roles that may call a worker. */
const CALLERS = ["coordinator", "worker"] as const;
/** Characters of what the worker waits for, in a heartbeat. */
const MAX_WAIT_CHARACTERS = 500;
/** Time that running jobs have to finish when the worker is told to stop, in ms. */
const DRAIN_BUDGET_MS = 6000;

/** A role within its process: it does jobs, serves tensors to pull, and reports its state. */
interface Role {
  readonly worker: JobWorker<"rollout"> | JobWorker<"gradient"> | null;
  held(run: string, name: string): HeldRange | null;
  readonly version: () => number;
  readonly tokens: () => number;
  /** What a job waits for; empty for nothing. */
  readonly waitingFor?: () => string;
  close(): Promise<void>;
}

/**
 * One worker process: an engine on its own thread, a gRPC server for other processes, a registration with the
 * coordinator, and one role.
 *
 * To stop, it takes no new jobs, gives running jobs some seconds, returns the rest to the queue, deregisters and
 * closes.
 */
export class WorkerHost {
  readonly #settings: WorkerSettings;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #workerId = randomUUID();
  readonly #jobs: JobLog;
  readonly #rate: TokenRate;
  readonly #server: RpcServer;
  readonly #channels: Channels;
  readonly #coordinator: RpcChannel;
  readonly #directory: RegionDirectory;
  #engine: EngineThread | null = null;
  #redis: RedisLink | null = null;
  #gpu: LeasedGpu | null = null;
  readonly #stopping = new AbortController();
  #role: Role | null = null;
  #membership: Membership | null = null;
  #state: WorkerState = "starting";

  constructor(settings: WorkerSettings, options: { logger: Logger; clock?: Clock }) {
    const { token, tls } = settings;
    this.#settings = settings;
    this.#logger = options.logger;
    this.#clock = options.clock ?? systemClock;
    this.#jobs = new JobLog(this.#clock);
    this.#rate = new TokenRate(this.#clock);
    this.#server = new RpcServer({ token, tls, logger: this.#logger });
    this.#channels = new Channels({ token, tls });
    this.#coordinator = new RpcChannel(settings.coordinator, { token, tls });
    const { isMemoryShared: isShared } = settings;
    this.#directory = new RegionDirectory({ isShared, logger: this.#logger });
  }

  get state(): WorkerState {
    return this.#state;
  }

  /**
   * Starts, waiting for the coordinator and Redis if they do not run yet.
   *
   * @param onLost  called when the process cannot continue: the engine died, or the worker was refused
   */
  async start(onLost: (error: Error) => void): Promise<void> {
    const { threads, fault, role, host, listen, readyFile } = this.#settings;
    const { gpuEnvironment: environment } = this.#settings;
    const device = await this.#takeDevice(onLost);
    this.#engine = new EngineThread({ device, threads, environment, fault }, onLost);
    const deviceName = await openedDevice(this.#engine);
    const reducer =
      role === "reducer"
        ? new ReducerRole({
            home: this.#settings.home,
            engine: this.#engine,
            channels: this.#channels,
            directory: this.#directory,
          })
        : null;
    if (reducer !== null) this.#server.serve(ReducerService, reducer.handlers(), CALLERS);
    const tensors: RpcHandlers<typeof TensorService> = {
      pullTensor: (request) => {
        const held = this.#role?.held(request.run, request.name) ?? null;
        if (held === null) throw new TensorNotHeldError(request.name, "is not held here");
        return serveTensor(request, held);
      },
    };
    this.#server.serve(TensorService, tensors, CALLERS);
    const address = announcedAddress(await this.#server.listen(listen), this.#settings);
    this.#membership = new Membership({
      fleet: this.#coordinator.client(FleetService),
      identity: {
        workerId: this.#workerId,
        role,
        host,
        pid: process.pid,
        address,
        device: deviceName,
      },
      vitals: () => this.#vitals(),
      onWithdrawn: (jobs) => this.#role?.worker?.withdraw(jobs),
      clock: this.#clock,
      logger: this.#logger,
    });
    if (reducer !== null) this.#role = reducerRole(reducer);
    await this.#membership.start(onLost);
    if (role !== "reducer") this.#role = await this.#jobRole(role, this.#engine, address);
    this.#state = "idle";
    if (readyFile !== null)
      await writeFile(readyFile, JSON.stringify({ address, pid: process.pid }));
    this.#logger.info({ role, address, threads, workerId: this.#workerId }, "worker is ready");
  }

  async stop(): Promise<void> {
    this.#state = "draining";
    this.#stopping.abort(new Error("the worker stops"));
    await this.#role?.worker?.close(DRAIN_BUDGET_MS);
    await this.#role?.close();
    await this.#membership?.stop();
    await this.#server.stop(500);
    this.#channels.close();
    this.#coordinator.close();
    await this.#engine?.stop();
    await this.#gpu?.release();
    this.#redis?.close();
  }

  async #connectRedis(): Promise<RedisLink> {
    const { redisUrl: url, redisTls: tls, cluster } = this.#settings;
    const logger = this.#logger;
    // Waits without limit: a worker that ended here would only be restarted.
    const waitMs = Number.POSITIVE_INFINITY;
    this.#redis ??= await RedisLink.connect({ url, tls, cluster, logger, waitMs });
    return this.#redis;
  }

  /** Returns the device of the settings, or a GPU that no other worker has. */
  async #takeDevice(onLost: (error: Error) => void): Promise<DeviceName> {
    const { device, role, host } = this.#settings;
    if (device !== "free") return device;
    const gpus = freeGpus();
    this.#gpu = await leaseGpu(gpus, {
      redis: await this.#connectRedis(),
      holder: `${role} on ${host}, pid ${process.pid}`,
      clock: this.#clock,
      logger: this.#logger,
      signal: this.#stopping.signal,
      onLost,
    });
    return { type: "cuda", ordinal: this.#gpu.ordinal };
  }

  async #jobRole(
    role: "inference" | "trainer",
    engine: EngineThread,
    address: string,
  ): Promise<Role> {
    const logger = this.#logger;
    const redis = await this.#connectRedis();
    const rollouts = this.#coordinator.client(RolloutService);
    const training = role === "trainer";
    const session = new EngineSession({
      engine,
      channels: this.#channels,
      directory: this.#directory,
      training,
      logger,
    });
    const common = { workerId: this.#workerId, engine, session, rollouts };
    const version = () => session.version;
    const logged =
      <J>(handle: (job: J, context: JobContext) => Promise<void>) =>
      (job: J, context: JobContext) =>
        this.#jobs.during(context.key, () => handle(job, context));
    if (role === "inference") {
      const work = new RolloutRole({ ...common, clock: this.#clock, logger });
      const handler = logged(work.handle.bind(work));
      const concurrency = GROUPS_IN_FLIGHT;
      const worker = new JobWorker("rollout", { redis, handler, concurrency, logger });
      const close = async () => {
        await work.close();
        session.release();
      };
      const tokens = () => engine.tokensSampled;
      const waitingFor = () => work.waitingFor;
      return { worker, held: () => null, version, tokens, waitingFor, close };
    }
    const packs = this.#coordinator.client(PackService);
    const work = new GradientRole({
      ...common,
      packs,
      channels: this.#channels,
      directory: this.#directory,
      address,
      clock: this.#clock,
    });
    const handler = logged(work.handle.bind(work));
    const worker = new JobWorker("gradient", { redis, handler, logger });
    const held = (_run: string, name: string) => work.offered(name);
    return {
      worker,
      held,
      version,
      tokens: () => work.tokensTrained,
      close: async () => {
        work.close();
        session.release();
      },
    };
  }

  #vitals(): Vitals {
    const job = this.#jobs.oldest;
    const tokens = this.#role?.tokens() ?? 0;
    const busy = this.#state === "idle" && job !== null;
    return {
      state: busy ? "busy" : this.#state,
      job: job?.key ?? "",
      jobAgeMs: job?.ageMs ?? 0,
      weightVersion: this.#role?.version() ?? 0,
      jobsDone: this.#jobs.numDone,
      tokensPerSecond: this.#rate.update(tokens),
      tokensDone: tokens,
      activeJobs: [...(this.#role?.worker?.activeJobs ?? [])],
      waitingFor: (this.#role?.waitingFor?.() ?? "").slice(0, MAX_WAIT_CHARACTERS),
    };
  }
}

/** Lists the GPUs to choose from; @throws WorkerDeviceError */
function freeGpus(): ListedGpu[] {
  try {
    return listGpus();
  } catch (thrown) {
    if (!(thrown instanceof ClusterError)) throw thrown;
    throw new WorkerDeviceError(thrown);
  }
}

/** Has the engine open its device; @throws WorkerDeviceError */
async function openedDevice(engine: EngineThread): Promise<string> {
  try {
    return await engine.call("openDevice", null);
  } catch (thrown) {
    if (thrown instanceof EngineLostError || !(thrown instanceof ClusterError)) throw thrown;
    throw new WorkerDeviceError(thrown);
  }
}

function reducerRole(reducer: ReducerRole): Role {
  return {
    worker: null,
    held: (run, name) => reducer.published(run, name),
    version: () => reducer.version,
    tokens: () => 0,
    close: async () => reducer.close(),
  };
}

/** Returns whether an error cannot be cured by a restart, which exit code 2 tells the supervisor. */
export function isRefusal(error: unknown): boolean {
  if (error instanceof WorkerDeviceError) return !error.retryable;
  return (
    error instanceof ClusterError &&
    (error.code === "UNAUTHENTICATED" || error.code === "INVALID_ARGUMENT")
  );
}
