/** Tests of the environments: `node --test examples/turns/turns.test.mjs`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { openEnvironment, parseRunConfig } from "@gumshoe/environments";

const opened = [];
after(() => Promise.all(opened.map((environment) => environment.close())));

/** Opens one of the environments as a run does. */
async function open(file, options = {}) {
  const module = fileURLToPath(new URL(file, import.meta.url));
  const source = { type: "module", module, options };
  const config = { name: "a", type: "grpo", model: "m", tasks: { source } };
  const environment = await openEnvironment(parseRunConfig(JSON.stringify(config)), "train");
  opened.push(environment);
  return environment;
}

/** Converses about a task until it has a grade. `replyOf` gets the turn, the state, and what was said last. */
async function converse(environment, task, replyOf, maxTurns = 10) {
  const said = [];
  let state = null;
  for (let turn = 0; ; turn++) {
    const reply = await replyOf({ turn, state, said: said.at(-1) ?? "" });
    const isLast = turn === maxTurns - 1;
    const result = await environment.step(task, reply, { turn, state, isLast });
    if (result.type === "grade") return { ...result.grade, said, numTurns: turn + 1 };
    said.push(...result.messages.map(({ content }) => content));
    state = result.state;
  }
}

/** Converses with the environment's own replies. */
const goldOf = (environment, task) =>
  converse(environment, task, (place) => environment.goldReply(task, place));

test("a number is found by halving, in at most five of the guesses that cost a twentieth each", async () => {
  const environment = await open("guess.mjs");
  const source = environment.source();
  for (let index = 0; index < 8; index++) {
    const { reward, numTurns, said, metrics } = await goldOf(environment, await source.task(index));
    assert.ok(numTurns <= 5);
    assert.equal(reward, 1 - (numTurns - 1) / 20);
    assert.deepEqual(metrics, { found: 1 });
    assert.ok(said.every((text) => /^(Higher|Lower)\.$/.test(text)));
  }
  const lost = await converse(environment, await source.task(0), () => "Hm.", 3);
  assert.deepEqual([lost.reward, lost.numTurns, lost.said[0]], [0, 3, 'Reply like "Guess: 3".']);
});

test("a sum is right with the calculator, and an expression that it does not know is an answer", async () => {
  const environment = await open("calculator.mjs", { digits: 4 });
  const task = await environment.source().task(0);
  const { a, b, c } = task.answer;
  const right = await goldOf(environment, task);
  assert.deepEqual([right.reward, right.metrics], [1, { uses: 2, answered: 1 }]);
  assert.deepEqual(right.said, [String(a * b), String(a * b + c)]);
  const other = await converse(environment, task, () => "Calculate: 2 ** 9");
  assert.deepEqual([other.reward, other.metrics, other.numTurns], [0, { uses: 0, answered: 0 }, 1]);
});

test("suspects tell all clues of a case, which has its solution then", async () => {
  const environment = await open("suspects.mjs");
  const task = await environment.source().task(2);
  assert.ok(!task.messages[0].content.includes("\n- "));
  const { reward, said, metrics } = await goldOf(environment, task);
  assert.equal(reward, 1);
  assert.equal(metrics.asked, task.answer.told.length);
  assert.equal(
    said.join("\n").match(/^- /gm).length,
    task.answer.told.flatMap(({ clues }) => clues).length,
  );
  const hasty = await converse(environment, task, () => "A. Nobody");
  assert.deepEqual([hasty.reward, hasty.numTurns, hasty.metrics.asked], [0, 1, 0]);
});

test("the configs are complete", () => {
  for (const file of ["guess-sft.yaml", "guess.yaml"]) {
    const text = readFileSync(new URL(file, import.meta.url), "utf8");
    assert.match(parseRunConfig(text).name, /^guess/);
  }
});
