import type { Task } from "@gumshoe/puzzles";
import { expect, test } from "vitest";

import type { StepResult } from "../module/check-step.js";
import type { ReplyTurn } from "../user-environment.js";
import { Conversation, transcript } from "./conversation.js";

const TASK: Task = { id: "t", contentHash: "c", messages: [], randomGuessLevel: 0 };
/** Ids are characters; the end token is "."; each message that is given ends with "?". */
const codec = {
  decode: (ids: ArrayLike<number>) => String.fromCharCode(...Array.from(ids)).replace(/\.$/, ""),
  encodeTurn: (_before: unknown, next: readonly { content: string }[]) => {
    if (next.some(({ content }) => content === "unwritable")) throw new Error("no such letters");
    return ids(`.${next.map(({ content }) => content).join("")}?`);
  },
};
const ids = (text: string) => [...text].map((letter) => letter.charCodeAt(0));

/** Counts the replies, and grades the last one with their number. */
function conversation(
  maxTurns: number,
  say: (reply: string, turn: ReplyTurn) => string | null = (reply) => reply.toUpperCase(),
) {
  const turns: ReplyTurn[] = [];
  const step = async (_task: Task, reply: string, turn: ReplyTurn): Promise<StepResult> => {
    turns.push(turn);
    const content = say(reply, turn);
    const state = { count: ((turn.state as { count: number } | null)?.count ?? 0) + 1 };
    if (content === null || turn.isLast) {
      return { type: "grade", grade: { reward: state.count, metrics: { last: reply.length } } };
    }
    return { type: "messages", messages: [{ role: "user", content }], state };
  };
  const one = new Conversation({ environment: { step }, task: TASK, codec, maxTurns });
  const take = async (text: string, { finish = "stop", room = 50 } = {}) => {
    const given = await one.take({ tokens: ids(text), finish, room });
    return given === null ? null : String.fromCharCode(...given);
  };
  return { one, take, turns };
}

test("a reply is answered with the state of the step before, until the limit of turns", async () => {
  const { one, take, turns } = conversation(3);
  expect(await take("ab.")).toBe("AB?");
  expect(await take("cd.")).toBe("CD?");
  expect(one.grade).toBeNull();
  expect(await take("e.")).toBeNull();
  expect(one.grade).toEqual({ reward: 3, metrics: { turns: 3, last: 1 } });
  expect(turns).toEqual([
    { turn: 0, state: null, isLast: false },
    { turn: 1, state: { count: 1 }, isLast: false },
    { turn: 2, state: { count: 2 }, isLast: true },
  ]);
  expect(transcript(one.messages)).toBe(
    "ab\n\n[user]\nAB\n\n[assistant]\ncd\n\n[user]\nCD\n\n[assistant]\ne",
  );
});

test("the end token is given where it was not sampled", async () => {
  const { take } = conversation(4);
  expect(await take("ab", { finish: "length" })).toBe(".AB?");
  expect(await take("b.", { finish: "stop-string" })).toBe(".B?");
  expect(await take("c!", { finish: "stop" })).toBe(".C!?");
});

test("a reply turns out to be the last when what is said to it does not fit, and is graded as such", async () => {
  const { one, take, turns } = conversation(9);
  expect(await take("ab.", { room: 4 })).toBe("AB?");
  expect(await take("abc.", { room: 4 })).toBeNull();
  expect(turns.map(({ turn, isLast }) => [turn, isLast])).toEqual([
    [0, false],
    [1, false],
    [1, true],
  ]);
  expect(one.grade).toEqual({ reward: 2, metrics: { turns: 2, last: 3 } });
  const full = conversation(9);
  expect(await full.take("ab", { room: 1, finish: "length" })).toBeNull();
  expect(full.turns).toEqual([{ turn: 0, state: null, isLast: true }]);
});

test("messages that the chat template cannot write leave the answer unscored, with the reason", async () => {
  const { one, take } = conversation(3, () => "unwritable");
  expect(await take("ab.")).toBeNull();
  expect(one.grade).toEqual({
    reward: null,
    reason: "the messages of step() cannot be written: no such letters",
    metrics: {},
  });
});
