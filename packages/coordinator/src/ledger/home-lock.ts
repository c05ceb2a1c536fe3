/**
 * Keeps two coordinators of one machine out of one home, even when each has a Redis of its own.
 *
 * The fence in Redis decides between machines; this lock says nothing about a process elsewhere.
 */
import { join } from "node:path";

import { LockHeldError, ProcessLock } from "@gumshoe/core";

import { HomeInUseError } from "../errors.js";

/** A home that this process has taken. */
export class HomeLock {
  readonly #lock: ProcessLock;

  private constructor(lock: ProcessLock) {
    this.#lock = lock;
  }

  /** @throws HomeInUseError when a living process of this machine has the home */
  static take(home: string): HomeLock {
    try {
      return new HomeLock(ProcessLock.take(join(home, "coordinator.lock")));
    } catch (error) {
      if (error instanceof LockHeldError) throw new HomeInUseError(home, error.pid);
      throw error;
    }
  }

  /** Gives the home back. Idempotent. */
  release(): void {
    this.#lock.release();
  }
}
