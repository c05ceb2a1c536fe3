/**
 * Keeps two coordinators of one machine from using the same home, even with different Redis
 * servers.
 *
 * Between machines the fence in Redis decides: this lock cannot see a process on another machine.
 */
import { join } from "node:path";

import { LockHeldError, ProcessLock } from "@gumshoe/core";

import { HomeInUseError } from "../errors.js";

/** The lock on a home, held by this process. */
export class HomeLock {
  readonly #lock: ProcessLock;

  private constructor(lock: ProcessLock) {
    this.#lock = lock;
  }

  /** @throws HomeInUseError when a running process of this machine holds the lock */
  static take(home: string): HomeLock {
    try {
      return new HomeLock(ProcessLock.take(join(home, "coordinator.lock")));
    } catch (error) {
      if (error instanceof LockHeldError) throw new HomeInUseError(home, error.pid);
      throw error;
    }
  }

  /** Releases the lock. Idempotent. */
  release(): void {
    this.#lock.release();
  }
}
