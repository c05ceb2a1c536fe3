/** Tests of the environment: `node --test examples/environment/tallest.test.mjs`. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import { openEnvironment, parseRunConfig } from "@gumshoe/environments";

import { createEnvironment } from "./tallest.mjs";

const module = fileURLToPath(new URL("tallest.mjs", import.meta.url));
const text = readFileSync(new URL("heights.yaml", import.meta.url), "utf8");
const config = parseRunConfig(text.replaceAll("./tallest.mjs", module));

let environment;
before(async () => {
  environment = await openEnvironment(config, "train");
});
after(() => environment.close());

/** Solves a task from its clues alone. */
function solve(prompt) {
  const taller = [...prompt.matchAll(/^(\w+) is taller than (\w+)/gm)];
  const [over, under] = [1, 2].map((side) => taller.map((clue) => clue[side]));
  const tallest = over.find((name) => !under.includes(name));
  const shortest = under.find((name) => !over.includes(name));
  return { numClues: taller.length, tallest, shortest };
}

test("the clues have one solution, which is graded 1", async () => {
  const source = environment.source();
  for (let index = 0; index < 20; index++) {
    const task = await source.task(index);
    const { numClues, tallest, shortest } = solve(task.messages[0].content);
    assert.equal(numClues, 4);
    const gold = await environment.goldReply(task);
    assert.equal(gold, `Tallest: ${tallest}\nShortest: ${shortest}`);
    const replies = [gold, `Hm.\n${gold}`, `Tallest: ${tallest}`, gold.toLowerCase(), ""];
    const rewards = (await environment.grade(task, replies)).map(({ reward }) => reward);
    assert.deepEqual(rewards, [1, 1, 0.5, 0, 0]);
  }
});

test("a seed and an index make the same task again", async () => {
  const [one, same] = [environment.source(), environment.source()];
  assert.deepEqual(await one.task(7), await same.task(7));
});

test("the guess level is one over the number of people", async () => {
  const { randomGuessLevel } = await environment.source().task(0);
  assert.equal(randomGuessLevel, 1 / 5);
});

test("more people than names are refused", () => {
  assert.throws(() => createEnvironment({ people: 9 }), /people: 2 to 7/);
});
