import { randomUUID } from "node:crypto";

import { ClusterError, errorMessage, isDiskError, type Logger, type Tls } from "@gumshoe/core";
import {
  PARAMETER_BLOCK,
  ReducerService,
  type SetReferenceRequest,
  type StepRequest,
  type TensorSource,
  type WriteCheckpointRequest,
} from "@gumshoe/protocol";
import { RpcChannel, type RpcClient } from "@gumshoe/rpc";
import { weightDigest } from "@gumshoe/tensors";

import { ExactnessError, PlanLostError } from "../errors.js";
import type { Fleet, Member } from "./fleet.js";

/** Time that a lost reducer has to register again before the others are given its range. */
const RETURN_MS = 8000;

interface ReducerSlot {
  readonly member: Member;
  readonly client: RpcClient<typeof ReducerService>;
  readonly channel: RpcChannel;
  readonly start: number;
  readonly end: number;
}

/** The weights that a plan starts from. */
export interface DurableSource {
  /** A model folder or a checkpoint. */
  readonly folder: string;
  readonly withOptimizer: boolean;
  /** Weight version: the number of updates that made these weights. */
  readonly version: number;
}

/** The inputs of a plan. */
export interface PlanOptions {
  readonly run: string;
  readonly numParameters: number;
  readonly source: DurableSource;
  /** Folder of the frozen base model where the run trains an adapter; else empty. */
  readonly baseFolder: string;
  readonly fleet: Fleet;
  readonly token: string;
  readonly tls: Tls;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Number of reducers of the previous plan; null for the first one. */
  readonly expected: number | null;
}

type StepSettings = Omit<StepRequest, "run" | "plan">;
type ReferenceFolder = Omit<SetReferenceRequest, "run" | "plan">;
type CheckpointFiles = Omit<WriteCheckpointRequest, "run" | "plan">;

/**
 * One assignment of a run's parameters to the registered reducers, one range each.
 *
 * A plan never changes. When one of its reducers is lost, every call fails with PlanLostError, and
 * the run makes a new plan from the last durable weights.
 */
export class ReducerPlan {
  readonly id: string;
  /** Digest of the weights that the plan started from. */
  readonly firstDigest: string;
  readonly size: number;
  readonly #run: string;
  readonly #numParameters: number;
  readonly #slots: readonly ReducerSlot[];
  readonly #lost = new AbortController();
  readonly #stopListening: () => void;

  private constructor(parts: {
    id: string;
    firstDigest: string;
    slots: readonly ReducerSlot[];
    options: PlanOptions;
  }) {
    this.id = parts.id;
    this.firstDigest = parts.firstDigest;
    this.#slots = parts.slots;
    this.size = parts.slots.length;
    this.#run = parts.options.run;
    this.#numParameters = parts.options.numParameters;
    const { fleet } = parts.options;
    this.#stopListening = fleet.onDeparture(({ workerId }) => {
      const gone = this.#slots.some(({ member }) => member.registration.workerId === workerId);
      if (gone) this.#lost.abort(new PlanLostError(this.id, "a reducer was lost"));
    });
    for (const { member } of this.#slots) {
      if (!fleet.has(member.registration.workerId)) {
        this.#lost.abort(new PlanLostError(this.id, "a reducer was lost"));
      }
    }
  }

  /** Waits for reducers, and assigns a range to each. */
  static async establish(options: PlanOptions): Promise<ReducerPlan> {
    const members = await waitForReducers(options);
    const id = `p-${randomUUID().slice(0, 8)}`;
    const slots = divide(members, options);
    const { run, source, logger } = options;
    try {
      const answers = await Promise.all(
        slots.map(({ client, start, end }) =>
          client.assign(
            {
              run,
              plan: id,
              start,
              end,
              blockSize: PARAMETER_BLOCK,
              baseFolder: options.baseFolder,
              ...source,
            },
            { signal: options.signal },
          ),
        ),
      );
      const firstDigest = digestOfBlocks(answers, options.numParameters);
      logger.info({ run, plan: id, reducers: slots.length, ...source }, "parameters assigned");
      return new ReducerPlan({ id, firstDigest, slots, options });
    } catch (error) {
      for (const { channel } of slots) channel.close();
      throw asPlanLost(id, error);
    }
  }

  /** Aborted with PlanLostError when a reducer of this plan is lost. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Addresses at which each range is served and its gradient collected. */
  get sources(): TensorSource[] {
    return this.#slots.map(({ member, start, end }) => ({
      address: member.registration.address,
      start,
      end,
    }));
  }

  /** Ids of the reducers, in the order of their ranges. */
  get workerIds(): string[] {
    return this.#slots.map(({ member }) => member.registration.workerId);
  }

  /** Returns the sums of squares of all blocks, in order. */
  async norm(update: number, lanes: number): Promise<number[]> {
    const answers = await this.#all(({ client }, signal) =>
      client.norm({ run: this.#run, plan: this.id, update, lanes }, { signal }),
    );
    return answers.flatMap(({ blockSums }) => blockSums);
  }

  /** Applies the optimizer step; returns the digest of the new version. */
  async step(settings: StepSettings): Promise<string> {
    const answers = await this.#all(({ client }, signal) =>
      client.step({ run: this.#run, plan: this.id, ...settings }, { signal }),
    );
    return digestOfBlocks(answers, this.#numParameters);
  }

  /**
   * Has every reducer write its range of a checkpoint; returns the digest of the written weights.
   */
  async writeCheckpoint(files: CheckpointFiles): Promise<string> {
    const answers = await this.#all(({ client }, signal) =>
      client.writeCheckpoint({ run: this.#run, plan: this.id, ...files }, { signal }),
    );
    return digestOfBlocks(answers, this.#numParameters);
  }

  /** Has every reducer serve the reference in a folder; returns the digest of its weights. */
  async setReference(reference: ReferenceFolder): Promise<string> {
    const answers = await this.#all(({ client }, signal) =>
      client.setReference({ run: this.#run, plan: this.id, ...reference }, { signal }),
    );
    return digestOfBlocks(answers, this.#numParameters);
  }

  close(): void {
    this.#stopListening();
    for (const { channel } of this.#slots) channel.close();
  }

  async #all<T>(call: (slot: ReducerSlot, signal: AbortSignal) => Promise<T>): Promise<T[]> {
    try {
      this.#lost.signal.throwIfAborted();
      return await Promise.all(this.#slots.map((slot) => call(slot, this.#lost.signal)));
    } catch (error) {
      throw asPlanLost(this.id, error);
    }
  }
}

/**
 * Turns the error of a reducer that cannot be reached, or that serves another plan, into a
 * PlanLostError. Other errors are returned as they are, disk errors too: a new plan would meet them
 * again.
 */
function asPlanLost(plan: string, error: unknown): unknown {
  if (isDiskError(error)) return error;
  const lost =
    error instanceof ClusterError &&
    ["UNAVAILABLE", "DEADLINE_EXCEEDED", "ABORTED", "FAILED_PRECONDITION"].includes(error.code);
  if (!lost || error instanceof PlanLostError) return error;
  return new PlanLostError(plan, errorMessage(error));
}

async function waitForReducers(options: PlanOptions): Promise<Member[]> {
  const { fleet, signal, expected, logger, run } = options;
  const giveUpAt = performance.now() + RETURN_MS;
  let isLogged = false;
  let isSettled = expected !== null;
  for (;;) {
    signal.throwIfAborted();
    const members = fleet.members("reducer");
    const late = performance.now() >= giveUpAt;
    if (members.length > 0 && (late || members.length >= (expected ?? 1))) {
      if (isSettled || isLogged) return members;
      // A short wait, so that reducers that start at the same time all get a range. Check again
      // afterwards: a reducer may have left.
      isSettled = true;
      await fleet.arrival(300, signal);
      continue;
    }
    if (!isLogged) logger.info({ run, expected }, "waiting for reducers");
    isLogged = true;
    await fleet.arrival(500, signal);
  }
}

/**
 * Computes the digest of weights from the digests of their blocks.
 *
 * @throws ExactnessError when the number of blocks is wrong
 */
function digestOfBlocks(
  answers: readonly { readonly blockDigests: readonly string[] }[],
  numParameters: number,
): string {
  const digests = answers.flatMap(({ blockDigests }) => blockDigests);
  const numBlocks = Math.ceil(numParameters / PARAMETER_BLOCK);
  if (digests.length === numBlocks) return weightDigest(digests);
  throw new ExactnessError(
    `the reducers hold ${digests.length} blocks of weights, not ${numBlocks}`,
  );
}

/** Divides the parameters into ranges of whole blocks, as equal as possible. */
function divide(members: readonly Member[], options: PlanOptions): ReducerSlot[] {
  const { numParameters, token, tls } = options;
  const blocks = Math.ceil(numParameters / PARAMETER_BLOCK);
  const slots = members.slice(0, blocks);
  return slots.map((member, i) => {
    const { address } = member.registration;
    const channel = new RpcChannel(address, { token, tls, role: "worker" });
    const edge = (n: number) =>
      Math.min(numParameters, Math.floor((n * blocks) / slots.length) * PARAMETER_BLOCK);
    return {
      member,
      channel,
      client: channel.client(ReducerService),
      start: edge(i),
      end: edge(i + 1),
    };
  });
}
