import { expect, test } from "vitest";

import { parseRunConfig } from "./parse.js";
import { setFields } from "./set-fields.js";

const TEXT = "{ name: a, type: grpo, model: m, tasks: { source: { type: generate } } }";

test("a field that is set comes before the text's, and its neighbours stay", () => {
  const set = [
    { field: "rollouts.perTask", value: 4 },
    { field: "tasks.source.seed", value: 9 },
  ];
  expect(parseRunConfig(TEXT, { set })).toMatchObject({
    rollouts: { perTask: 4, maxAnswerTokens: 64 },
    tasks: { source: { type: "generate", seed: 9 } },
  });
});

test("an unknown field that is set is refused with the nearest known one", () => {
  const set = [{ field: "rollouts.perTsk", value: 4 }];
  expect(() => parseRunConfig(TEXT, { set })).toThrow(/rollouts\.perTsk: .*perTask/);
});

test("a field below one that is no group is refused", () => {
  expect(() => setFields({ seed: 1 }, [{ field: "seed.more", value: 2 }])).toThrow(
    "seed.more: cannot be set: seed is no group of fields",
  );
});
