import type { RunEnvironment } from "@gumshoe/environments";
import {
  grade,
  type GraderName,
  type Message,
  type PuzzleRecord,
  type Task,
  type TaskGrade,
  voteReply,
} from "@gumshoe/puzzles";

import type { ConversationOf } from "./answer-source.js";

/** The tasks of an evaluation, and how replies to them are graded. */
export interface EvaluatedTasks {
  /** What they are, such as the name of a file; names the file of replies. */
  readonly name: string;
  /** Their prompts as chats. */
  readonly messages: readonly (readonly Message[])[];
  /** Identifies their series, and what is right, by content; how many they are is no part of it. */
  readonly digest: string;
  /** Mean reward of guessing; null if it is not known. */
  readonly guessing: number | null;
  /** Grades a reply to the task of an index. */
  grade(index: number, reply: string): Promise<TaskGrade>;
  /** Null when tasks have one turn. */
  readonly conversationOf: ConversationOf | null;
  /** Writes the reply that most replies agree on; null if the environment has none. */
  readonly vote: ((index: number, replies: readonly string[]) => Promise<string>) | null;
  close(): Promise<void>;
}

/** The cases of a file. Their prompts are not parsed: only the solution decides what is right. */
export function recordTasks(
  name: string,
  records: readonly PuzzleRecord[],
  { grader, digest }: { grader: GraderName; digest: string },
): EvaluatedTasks {
  const solutionOf = (index: number) => records[index]?.solution ?? {};
  return {
    name,
    messages: records.map(({ prompt }) => [{ role: "user", content: prompt }]),
    digest,
    guessing: null,
    grade: async (index, reply) => {
      const { score, allCorrect } = grade(reply, solutionOf(index), { grader });
      return { reward: score, metrics: { allCorrect: allCorrect ? 1 : 0 } };
    },
    conversationOf: null,
    vote: async (index, replies) => voteReply(replies, solutionOf(index), grader),
    close: async () => undefined,
  };
}

/** Tasks of an environment, which is closed with them. */
export function environmentTasks(
  name: string,
  environment: RunEnvironment,
  tasks: readonly Task[],
): EvaluatedTasks {
  const taskAt = (index: number): Task => {
    const task = tasks[index];
    if (task === undefined) throw new RangeError(`there is no task ${index}`);
    return task;
  };
  const vote = environment.voteReply?.bind(environment);
  const total = tasks.reduce((sum, { randomGuessLevel }) => sum + randomGuessLevel, 0);
  return {
    name,
    messages: tasks.map(({ messages }) => messages),
    digest: environment.digest,
    guessing: tasks.length === 0 ? null : total / tasks.length,
    grade: async (index, reply) => {
      const [verdict] = await environment.grade(taskAt(index), [reply]);
      return verdict ?? { reward: null, reason: "the environment gave no grade", metrics: {} };
    },
    conversationOf:
      environment.step === undefined ? null : (index) => ({ environment, task: taskAt(index) }),
    vote: vote === undefined ? null : async (index, replies) => vote(taskAt(index), replies),
    close: () => environment.close(),
  };
}
