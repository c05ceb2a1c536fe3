/**
 * The interface of a user's module: the part of the environment contract that differs between
 * tasks. Everything else (seeds, hashes, JSON, the exclusion of validation tasks) is added around
 * it.
 *
 * A module exports `createEnvironment(options)`, which returns a {@link UserEnvironment} or a
 * promise of one. The `options` are those of the config. Every function but `gradeGroup` must be
 * pure: it may depend on its arguments only, and use neither a clock nor randomness other than `rng`.
 */
import type { Rng } from "@gumshoe/core";
import type { Message, Task } from "@gumshoe/puzzles";

/** The position of a task in its series. */
export interface TaskPosition {
  /** Counts from 0. */
  readonly index: number;
  /** Random numbers of this position: the same ones each time the task is made. */
  readonly rng: Rng;
}

/** A task as returned by a module. */
export interface TaskDraft {
  /** The prompt as a chat. */
  messages: Message[];
  /** Data for `grade`; JSON, and never shown to the model. */
  answer?: unknown;
  /** Expected reward of guessing, 0 to 1. Default: 0. */
  randomGuessLevel?: number;
}

/** A module's task with the fields that are added for transport. */
export interface ModuleTask extends Task {
  readonly answer: unknown;
  /** SHA-256 of the module's file. */
  readonly module: string;
}

/**
 * A module's verdict on a reply: a reward, or several by name, with further numbers; or why it could
 * not be scored.
 */
export type ModuleGrade =
  | { reward: number; metrics?: Record<string, number> }
  | { rewards: Record<string, number>; metrics?: Record<string, number> }
  | { reward: null; reason: string; metrics?: Record<string, number> };

/** A turn of the model, in a task of several turns. */
export interface ReplyTurn {
  /** Counts the model's replies from 0. */
  readonly turn: number;
  /** The `state` that the step before returned; null in the first turn. */
  readonly state: unknown;
  /** Whether no turn can follow, because a limit is reached: `step` must return a reward. */
  readonly isLast: boolean;
}

/** A message that the model replies to. */
export interface StepMessage {
  readonly role: "user" | "system" | "tool";
  readonly content: string;
}

/** What follows a reply: messages that the model replies to, or the grade that ends the answer. */
export type ModuleStep =
  | {
      messages: StepMessage[];
      /** JSON, passed to the next step. */
      state?: unknown;
    }
  | ModuleGrade;

/** What `createEnvironment` returns: `task`, and either `grade` or `step`. */
export interface UserEnvironment {
  /**
   * Makes a task. Another `rng` must be able to give another task, because some may be excluded.
   */
  task(place: TaskPosition): TaskDraft;
  /**
   * Scores a reply. A thrown error is the reason why the reply could not be scored. A module has
   * this method, `gradeGroup` or `step`.
   */
  grade?(task: ModuleTask, reply: string): ModuleGrade | Promise<ModuleGrade>;
  /**
   * Scores all replies of a group in one call, for a judge that compares them; returns one grade for
   * each, in order. A thrown error is the reason why none could be scored.
   *
   * A group may have one reply. The method need not be pure: the first grades of a group are
   * recorded, and count from then on.
   */
  gradeGroup?(task: ModuleTask, replies: readonly string[]): ModuleGrade[] | Promise<ModuleGrade[]>;
  /**
   * Says what follows a reply, in tasks of several turns. A thrown error ends the answer, which could then not be
   * scored.
   */
  step?(task: ModuleTask, reply: string, turn: ReplyTurn): ModuleStep | Promise<ModuleStep>;
  /** Writes the reference reply; needed only by runs of `type: sft`. */
  goldReply?(task: ModuleTask, turn: Pick<ReplyTurn, "turn" | "state">): string;
}
