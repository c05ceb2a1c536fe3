import { expect, test } from "vitest";

import { parseScoreRequests } from "./score-answers.js";

test("an answer to score is text, or ids", () => {
  const lines = '{"prompt": "p", "answer": "a"}\n\n{"promptIds": [1, 2], "answerIds": [3]}\n';
  expect(parseScoreRequests(lines)).toEqual([
    { prompt: "p", answer: "a", promptIds: null, answerIds: null },
    { prompt: null, answer: null, promptIds: [1, 2], answerIds: [3] },
  ]);
});

test("a line that lacks something is named", () => {
  expect(() => parseScoreRequests('{"prompt": "p"}')).toThrow("line 1: needs answer");
  expect(() => parseScoreRequests('\n{"answer": "a", "promptIds": [-1]}')).toThrow(
    "line 2: needs prompt",
  );
  expect(() => parseScoreRequests("{")).toThrow("line 1: is not JSON");
});
