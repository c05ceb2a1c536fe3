import { type Clock, ClusterError, type Logger } from "@gumshoe/core";
import {
  type HeartbeatRequest,
  PROTOCOL_VERSION,
  type RegisterRequest,
  type ReportEndRequest,
  type WorkerRole,
  type WorkerStatus,
} from "@gumshoe/protocol";

import { AddressTakenError } from "../errors.js";
import { checkHeartbeat, checkRegistration, checkReport } from "./check-worker.js";

/** Interval of heartbeats: longer in a fleet of more than a hundred workers. */
const HEARTBEAT_INTERVAL_MS = { least: 500, perWorker: 5, most: 1000 };
const CHECK_EVERY_MS = 250;
/** Time for which a lost worker is still listed. */
const LOST_SHOWN_MS = 60_000;
/** Ids of displaced workers that are remembered: a live process registers again within a second. */
const MAX_DISPLACED = 1000;
/**
 * A check this much later than due means that this process was suspended and received no
 * heartbeats.
 */
const STOOD_STILL_MS = 1000;

/** A worker that is registered. */
export interface Member {
  readonly registration: RegisterRequest;
  vitals: HeartbeatRequest | null;
  /** When the job of its last heartbeat began, on the coordinator's monotonic clock. */
  jobSinceMs: number;
  seenAtMs: number;
  /** When it joined, on the coordinator's monotonic clock. */
  readonly joinedAtMs: number;
}

/** How a worker left. */
export interface Leaving {
  /** It fell silent, or its process ended without a farewell. */
  readonly lost: boolean;
  /** For how long it was a member. */
  readonly memberMs: number;
  /** How its process ended, as its supervisor says; null where none has said so yet. */
  readonly cause: string | null;
}

/** A worker that left, with what it did when it was heard last, and how it left. */
export type Departure = (worker: WorkerStatus, leaving: Leaving) => void;

/** A worker that was lost before, with the cause that its supervisor has reported since. */
export type CauseTold = (worker: WorkerStatus, cause: string) => void;

/**
 * Tracks the workers: which are registered, what they do, and which were lost.
 *
 * A worker is identified by its id; a restarted process has a new one. Host and process id identify
 * nothing: in containers all processes may have the same.
 *
 * An address belongs to one worker:
 * - A new process of the same host with the address of a registered worker replaces it.
 * - A worker of another host with that address is rejected while the first one is alive, since
 *   others could reach only one of the two.
 * - A worker that was replaced and is still alive is rejected while its successor lives.
 *
 * A supervisor reports the end of a process: the worker is then lost at once, with the cause.
 */
export class Fleet {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #members = new Map<string, Member>();
  /** Lost workers, by id, with the time of their loss. */
  readonly #lost = new Map<string, { worker: WorkerStatus; readonly atMs: number }>();
  /** Workers whose address went to another process of their host, by id; the oldest first. */
  readonly #displaced = new Set<string>();
  readonly #departures = new Set<Departure>();
  readonly #causeListeners = new Set<CauseTold>();
  readonly #arrivals = new Set<() => void>();
  #timer: NodeJS.Timeout | null = null;
  #checkedAtMs = 0;
  readonly #lostAfterMs: number;

  /** @param lostAfterMs  time without a heartbeat after which a worker counts as lost */
  constructor(options: { clock: Clock; logger: Logger; lostAfterMs: number }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#lostAfterMs = options.lostAfterMs;
  }

  start(): void {
    this.#checkedAtMs = this.#now();
    this.#timer = setInterval(() => this.#findLost(), CHECK_EVERY_MS);
    this.#timer.unref();
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  /**
   * Registers a listener for workers that leave or are lost; returns a function that removes it.
   */
  onDeparture(listener: Departure): () => void {
    this.#departures.add(listener);
    return () => this.#departures.delete(listener);
  }

  /** Calls back when the cause of an earlier loss becomes known; returns a function that ends this. */
  onCause(listener: CauseTold): () => void {
    this.#causeListeners.add(listener);
    return () => this.#causeListeners.delete(listener);
  }

  /** Lists the registered workers of a role, in the order of their addresses. */
  members(role: WorkerRole): Member[] {
    return [...this.#members.values()]
      .filter((member) => member.registration.role === role)
      .sort((a, b) => compare(a.registration.address, b.registration.address));
  }

  /** What a worker's job of a run waits for, as its last heartbeat says; null for nothing. */
  waitingFor(run: string): string | null {
    for (const { vitals } of this.#members.values()) {
      const isOfRun = vitals?.activeJobs.some((job) => job.startsWith(`${run}/`)) ?? false;
      if (isOfRun && vitals !== null && vitals.waitingFor !== "") return vitals.waitingFor;
    }
    return null;
  }

  /** Interval of heartbeats for the fleet's present size. */
  get heartbeatIntervalMs(): number {
    const { least, perWorker, most } = HEARTBEAT_INTERVAL_MS;
    return Math.min(most, Math.max(least, perWorker * this.#members.size));
  }

  has(workerId: string): boolean {
    return this.#members.has(workerId);
  }

  /** Waits until a worker registers, or `ms` have passed. */
  async arrival(ms: number, signal: AbortSignal): Promise<void> {
    const timer = new AbortController();
    let listener: () => void = () => undefined;
    const arrived = new Promise<void>((resolve) => (listener = resolve));
    this.#arrivals.add(listener);
    try {
      const over = this.#clock.sleep(ms, AbortSignal.any([signal, timer.signal]));
      await Promise.race([arrived, over.catch(() => undefined)]);
    } finally {
      timer.abort();
      this.#arrivals.delete(listener);
    }
  }

  /**
   * @throws InvalidArgumentError, AddressTakenError, and FAILED_PRECONDITION for a worker of another version
   */
  register(registration: RegisterRequest): void {
    checkRegistration(registration);
    if (registration.protocolVersion !== PROTOCOL_VERSION) {
      throw new ClusterError(
        "FAILED_PRECONDITION",
        `this worker speaks version ${registration.protocolVersion}, the cluster ${PROTOCOL_VERSION}`,
      );
    }
    const { workerId, role, host, pid, device, address } = registration;
    this.#claimAddress(registration);
    if (!this.#members.has(workerId)) {
      this.#logger.info({ workerId, role, host, pid, device, address }, "worker joined");
    }
    this.#lost.delete(workerId);
    const now = this.#now();
    const member = { registration, vitals: null, jobSinceMs: now, seenAtMs: now, joinedAtMs: now };
    this.#members.set(workerId, member);
    for (const listener of this.#arrivals) listener();
  }

  /**
   * Records a worker's heartbeat; returns its role.
   *
   * @throws InvalidArgumentError, and ClusterError NOT_FOUND for a worker that must register again
   */
  heartbeat(vitals: HeartbeatRequest): string {
    checkHeartbeat(vitals);
    const member = this.#members.get(vitals.workerId);
    if (member === undefined) throw new ClusterError("NOT_FOUND", "register first");
    member.vitals = vitals;
    member.seenAtMs = this.#now();
    member.jobSinceMs = member.seenAtMs - vitals.jobAgeMs;
    return member.registration.role;
  }

  /**
   * Removes the worker whose address a new process of its host announces. @throws AddressTakenError
   */
  #claimAddress({ workerId, host, address }: RegisterRequest): void {
    for (const member of [...this.#members.values()]) {
      const other = member.registration;
      if (other.address !== address || other.workerId === workerId) continue;
      if (other.host !== host || this.#displaced.has(workerId)) {
        throw new AddressTakenError(address, other);
      }
      this.#displaced.add(other.workerId);
      const [oldest] = this.#displaced;
      if (this.#displaced.size > MAX_DISPLACED && oldest !== undefined) {
        this.#displaced.delete(oldest);
      }
      this.#remove(member, true);
    }
  }

  /**
   * Takes in how the process of a worker ended, as its supervisor says.
   *
   * @throws InvalidArgumentError
   */
  reportEnd(report: ReportEndRequest): void {
    checkReport(report);
    const { end } = report;
    for (const member of [...this.#members.values()]) {
      if (isOf(member.registration, report)) this.#remove(member, true, end);
    }
    for (const lost of this.#lost.values()) {
      if (!isOf(lost.worker, report) || lost.worker.ended !== "") continue;
      lost.worker = { ...lost.worker, ended: end };
      for (const listener of this.#causeListeners) listener(lost.worker, end);
    }
  }

  leave(workerId: string): void {
    const member = this.#members.get(workerId);
    if (member !== undefined) this.#remove(member, false);
  }

  /** Sum of the tokens per second of a role's workers. */
  tokensPerSecond(role: WorkerRole): number {
    let total = 0;
    for (const { registration, vitals } of this.#members.values()) {
      if (registration.role === role) total += vitals?.tokensPerSecond ?? 0;
    }
    return total;
  }

  /** Lists the registered workers, then the recently lost ones. */
  statuses(): WorkerStatus[] {
    const now = this.#now();
    const here = [...this.#members.values()].map((member) => toStatus(member, now));
    return [...here, ...[...this.#lost.values()].map(({ worker }) => worker)];
  }

  #findLost(): void {
    const now = this.#now();
    const stoodStill = now - this.#checkedAtMs > STOOD_STILL_MS;
    this.#checkedAtMs = now;
    if (stoodStill) {
      for (const member of this.#members.values()) member.seenAtMs = now;
      return;
    }
    for (const member of [...this.#members.values()]) {
      if (now - member.seenAtMs > this.#lostAfterMs) this.#remove(member, true);
    }
    for (const [workerId, { atMs }] of this.#lost) {
      if (now - atMs > LOST_SHOWN_MS) this.#lost.delete(workerId);
    }
  }

  #remove(member: Member, lost: boolean, cause: string | null = null): void {
    const now = this.#now();
    const worker = toStatus(member, now);
    const memberMs = now - member.joinedAtMs;
    const { workerId, role, host, pid, job, jobAgeMs } = worker;
    this.#members.delete(workerId);
    if (lost) {
      this.#lost.set(workerId, {
        worker: { ...worker, state: "lost", tokensPerSecond: 0, ended: cause ?? "" },
        atMs: now,
      });
      const said = cause === null ? "worker stopped sending heartbeats" : `worker died: ${cause}`;
      this.#logger.warn({ workerId, role, host, pid, job, jobAgeMs }, said);
    } else this.#logger.info({ workerId, role, host, pid }, "worker left");
    for (const listener of this.#departures) listener(worker, { lost, memberMs, cause });
  }

  #now(): number {
    return this.#clock.monotonicMs();
  }
}

function isOf(
  worker: RegisterRequest | WorkerStatus,
  { role, host, pid }: ReportEndRequest,
): boolean {
  return worker.role === role && worker.host === host && worker.pid === pid;
}

/** Builds a worker's status; the age of its job grows between heartbeats too. */
function toStatus({ registration: r, vitals: v, jobSinceMs }: Member, now: number): WorkerStatus {
  const job = v?.job ?? "";
  return {
    workerId: r.workerId,
    role: r.role,
    host: r.host,
    pid: r.pid,
    device: r.device,
    memoryBytes: r.memoryBytes,
    state: v?.state ?? "starting",
    job,
    jobAgeMs: job === "" ? 0 : Math.max(0, Math.round(now - jobSinceMs)),
    weightVersion: v?.weightVersion ?? 0,
    jobsDone: v?.jobsDone ?? 0,
    tokensPerSecond: v?.tokensPerSecond ?? 0,
    ended: "",
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
