/** Steps of a user's module, in its process. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { parseRunConfig } from "@gumshoe/config";
import { afterAll, expect, test } from "vitest";

// The process runs as shipped, from the built package.
import { openEnvironment, type RunEnvironment } from "../../dist/index.js";

const folder = mkdtempSync(join(tmpdir(), "gumshoe-steps-"));
const opened: RunEnvironment[] = [];
afterAll(async () => {
  await Promise.all(opened.map((environment) => environment.close()));
  rmSync(folder, { recursive: true, force: true });
});

let written = 0;

async function open(members: string): Promise<RunEnvironment> {
  const module = join(folder, `module-${++written}.mjs`);
  writeFileSync(
    module,
    `export const createEnvironment = () => ({
      task: ({ index }) => ({ messages: [{ role: "user", content: "Task " + index }] }),
      ${members}
    });`,
  );
  const source = { type: "module", module, limits: { seconds: 1.5 } };
  const config = { name: "a", type: "grpo", model: "m", tasks: { source } };
  const environment = await openEnvironment(parseRunConfig(JSON.stringify(config)), "train");
  opened.push(environment);
  return environment;
}

/** The reply is an expression: what step() returns. One process serves all cases. */
const evaluating = open("step: async (task, reply, turn) => eval(`(${reply})`)");

async function step(returned: string, isLast = false) {
  const environment = await evaluating;
  const task = await environment.source().task(0);
  return environment.step?.(task, returned, { turn: 1, state: { seen: [3] }, isLast });
}

test("a step gets reply, turn and state, and returns messages with the next state, or a grade", async () => {
  const said =
    '{ messages: [{ role: "tool", content: JSON.stringify(turn) }], state: turn.state.seen }';
  expect(await step(said)).toEqual({
    type: "messages",
    messages: [{ role: "tool", content: '{"turn":1,"state":{"seen":[3]},"isLast":false}' }],
    state: [3],
  });
  expect(await step("{ reward: 0.5, metrics: { a: 1, b: NaN } }")).toEqual({
    type: "grade",
    grade: { reward: 0.5, metrics: { a: 1 } },
  });
  const environment = await evaluating;
  const task = await environment.source().task(0);
  // Graded as the only replies that there can be.
  expect(await environment.grade(task, ["{ reward: turn.isLast ? 1 : 0 }"])).toEqual([
    { reward: 1, metrics: {} },
  ]);
});

test.each([
  ["nothing", "undefined", "step() returned nothing: it must return { messages, state } or"],
  ["an exception", "(() => { throw new Error('away'); })()", "step() threw: away"],
  ["no messages", "{ messages: [] }", "messages must be a list with at least one message"],
  [
    "a reply of the model",
    '{ messages: [{ role: "assistant", content: "a" }] }',
    "messages[0].role must be one of user, system, tool",
  ],
  [
    "a message of numbers",
    '{ messages: [{ role: "user", content: 3 }] }',
    "content must be a text",
  ],
  [
    "messages and a reward",
    '{ messages: [{ role: "user", content: "a" }], reward: 1 }',
    "a reward ends the answer, so that no messages follow",
  ],
  [
    "a state that is not JSON",
    '{ messages: [{ role: "user", content: "a" }], state: { of: new Map() } }',
    "step() threw: of is a Map: tasks and states are JSON",
  ],
  [
    "a large state",
    '{ messages: [{ role: "user", content: "a" }], state: "x".repeat(2e6) }',
    "state has 2000002 characters as JSON, at most 1000000",
  ],
])("%s ends the answer unscored, with the reason", async (_what, returned, reason) => {
  const result = await step(returned);
  expect(result).toMatchObject({ type: "grade", grade: { reward: null } });
  expect(JSON.stringify(result)).toContain(JSON.stringify(reason).slice(1, -1));
});

test("messages after the last turn are a fault of the module, which the reason says", async () => {
  const result = await step('{ messages: [{ role: "user", content: "a" }] }', true);
  expect(JSON.stringify(result)).toContain("no turn follows when isLast is true: it must return");
});

test("a step that never returns ends its process, and is named after three of them", async () => {
  const environment = await open("step: () => new Promise(() => undefined)");
  const task = await environment.source().task(3);
  const turn = { turn: 2, state: null, isLast: false };
  await expect(environment.step?.(task, "Hm.", turn, { tries: 1 })).rejects.toThrow(
    'step() gave no result for 1.5 s; after reply 2 to task module-1-3, which begins "Hm."',
  );
});

test.each([
  [
    "grade: () => ({ reward: 1 }), step: () => ({ reward: 1 })",
    "has both grade() and step(): keep one",
  ],
  ["score: () => 1", "an object with grade() or gradeGroup() or step()"],
])("a module with %s is refused", async (members, problem) => {
  await expect(open(members)).rejects.toThrow(problem);
});
