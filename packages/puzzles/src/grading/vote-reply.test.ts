import { expect, test } from "vitest";

import { voteReply } from "./vote-reply.js";

const SOLUTION = { A: "Mrs. White", B: "Hall" };

test("every question has the answer of most replies, whatever their spelling", () => {
  const replies = ["A. mrs white\nB. Study", "A. Mr. Green\nB. Hall", "**A. Mrs. White**\nB. Hall"];
  expect(voteReply(replies, SOLUTION, "fixed")).toBe("A. mrs white\nB. Hall");
});

test("of answers with equally many votes the first given wins, and an unanswered question is left out", () => {
  expect(voteReply(["A. Mr. Green", "A. Mrs. White"], SOLUTION, "fixed")).toBe("A. Mr. Green");
  expect(voteReply(["", "no idea"], SOLUTION, "fixed")).toBe("");
});
