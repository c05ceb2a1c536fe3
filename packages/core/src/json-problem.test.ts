import { expect, test } from "vitest";

import { jsonProblem } from "./json-problem.js";

function problem(text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    return jsonProblem(error);
  }
  return "none";
}

test("a JSON syntax error is described without quoting the text", () => {
  for (const text of [
    "secret",
    "s3cret-token\n",
    '{"a": secret}',
    "root:x:0",
    "[secret",
    "{secret",
  ]) {
    expect(problem(text)).toMatch(/^is not JSON(: see character \d+|: it ends too early)?$/);
  }
  expect(problem("")).toBe("is not JSON: it ends too early");
});
