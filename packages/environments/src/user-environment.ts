/**
 * What a user's module gives: the part of the environment contract that differs from task to task. The
 * rest (seeds, hashes, JSON, the exclusion of validation tasks) is done around it.
 *
 * A module exports `createEnvironment(options)`, which returns a {@link UserEnvironment} or a promise of
 * one. What it may rely on: `options` are those of the config. What is relied on: everything is a pure
 * function of its arguments, with no clock and no chance but `rng`.
 */
import { type Rng } from "@gumshoe/core";
import { type Message, type Task } from "@gumshoe/puzzles";

/** The place in a series that a task is made for. */
export interface TaskPosition {
  /** Counts from 0. */
  readonly index: number;
  /** Random numbers of this place alone: the same ones whenever the task is made. */
  readonly rng: Rng;
}

/** A task as a module makes it. */
export interface TaskDraft {
  /** The prompt as a chat. */
  messages: Message[];
  /** Whatever `grade` needs; JSON, and never shown to the model. */
  answer?: unknown;
  /** Expected reward of somebody who guesses, 0 to 1. Default: 0. */
  randomGuessLevel?: number;
}

/** A task of a module on its way through the cluster. */
export interface ModuleTask extends Task {
  readonly answer: unknown;
  /** SHA-256 of the module's file. */
  readonly module: string;
}

/** What a module says of a reply: a reward with further numbers, or why it could not be scored. */
export type ModuleGrade =
  | { reward: number; metrics?: Record<string, number> }
  | { reward: null; reason: string; metrics?: Record<string, number> };

/** What `createEnvironment` returns. */
export interface UserEnvironment {
  /** Makes a task. Another `rng` must be able to give another task: some may not come up. */
  task(place: TaskPosition): TaskDraft;
  /** Scores a reply. What it throws is a reason why the reply could not be scored. */
  grade(task: ModuleTask, reply: string): ModuleGrade | Promise<ModuleGrade>;
  /** Writes the right reply; needed by runs of `type: sft` alone. */
  goldReply?(task: ModuleTask): string;
}
