import { Tokenizer } from "@gumshoe/engine";
import { beforeAll, expect, test } from "vitest";

import { ROOKIE } from "../../../../test/support/rookie.js";
import { Answer } from "./answer.js";

let tokenizer: Tokenizer;
beforeAll(async () => {
  tokenizer = await Tokenizer.load(ROOKIE);
});

/** Pushes tokens; returns the texts that could be sent after each, and the answer. */
function answerOf(tokens: readonly number[], stops: readonly string[] = [], finish = "stop") {
  const answer = new Answer(tokenizer, stops);
  const texts = tokens.map((token, i) => {
    const isLast = i === tokens.length - 1;
    const end = isLast ? (finish as "stop" | "length" | "early-stop") : null;
    answer.push({ rollout: 0, token, logprob: -i, finish: end, alternatives: [] });
    return answer.take()?.text ?? null;
  });
  return { answer, texts };
}

test("a character comes when the last of its bytes is there", () => {
  const text = "né 😀 – done";
  const { texts, answer } = answerOf(tokenizer.encode(text));
  expect(texts.filter((part) => part !== null).join("")).toBe(text);
  expect(texts).toContain(null);
  expect(texts.join("")).not.toContain("\ufffd");
  expect(answer.numTokens).toBe(tokenizer.encode(text).length);
});

test("bytes that become no character are written at the end, or when there are many", () => {
  const [first = 0] = tokenizer.encode("😀");
  expect(tokenizer.decode([first])).toBe("\ufffd");
  expect(answerOf([first]).texts).toEqual(["\ufffd"]);
  const many = answerOf(Array.from({ length: 40 }, () => first)).texts;
  expect(many.join("")).toBe("\ufffd".repeat(40));
  expect(many.findIndex((text) => text !== null)).toBeLessThan(20);
});

test("special tokens are tokens of the answer, and no text", () => {
  const end = tokenizer.stopTokenIds[0] ?? 0;
  const { answer, texts } = answerOf([...tokenizer.encode("A."), end]);
  expect([texts.join(""), answer.finish]).toEqual(["A.", "stop"]);
  expect(answer.numTokens).toBe(tokenizer.encode("A.").length + 1);
});

test("tokens after a stop string are dropped, and counted no more", () => {
  const ids = tokenizer.encode("A. Mr. Green\nB. Kitchen\nC. Knife");
  const { answer, texts } = answerOf(ids, ["\nB."], "length");
  expect(texts.join("")).toBe("A. Mr. Green");
  expect(answer.finish).toBe("stop");
  expect(answer.numTokens).toBeLessThan(ids.length);
});

test("an answer that was cut off has the text that was held back for a stop string", () => {
  const { answer, texts } = answerOf(tokenizer.encode("A.\n"), ["\nB."], "length");
  expect([texts.join(""), answer.finish]).toEqual(["A.\n", "length"]);
});
