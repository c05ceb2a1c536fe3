/** What is wrong with the turns of a run is told when it is submitted, with the field. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { checkRunConfig } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { afterAll, beforeAll, expect, test } from "vitest";

import { fileDigest } from "../ledger/file-digest.js";
import { checkInputs } from "./run-inputs.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const TURNS = { max: 4, maxTokens: 16 };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gumshoe-turns-check-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let written = 0;

/** Writes a module with these members beside `task`, and returns its source. */
async function stepping(members: string) {
  const module = join(folder, `stepping-${++written}.mjs`);
  await writeFile(
    module,
    `let calls = 0;
    export const createEnvironment = () => ({
      task: ({ index }) => ({ messages: [{ role: "user", content: "Task " + index }] }),
      ${members}
    });`,
  );
  return { type: "module", module };
}

/** Says "More." to every reply that is not the last. */
const MORE = `step: (task, reply, { isLast }) =>
  isLast ? { reward: 0 } : { messages: [{ role: "user", content: "More." }] },`;

async function checked(source: object, changes: Record<string, unknown> = {}) {
  const tasks = { source, perIteration: 2 };
  const rollouts = { turns: TURNS };
  const config = { name: "checked", type: "grpo", model: ROOKIE, tasks, rollouts, ...changes };
  return checkInputs(checkRunConfig({ ...config, updatesPerIteration: 1 }), fileDigest);
}

async function refusal(source: object, changes: Record<string, unknown> = {}): Promise<string> {
  const thrown: unknown = await checked(source, changes).catch((error: unknown) => error);
  if (thrown instanceof InvalidArgumentError) return thrown.message;
  throw new Error(`not refused: ${String(thrown)}`);
}

test("a run of several turns has its limits, and only such a run", async () => {
  const source = await stepping(MORE);
  await expect(checked(source)).resolves.toBeDefined();
  expect(await refusal(source, { rollouts: {} })).toBe(
    "rollouts.turns: is missing: the module of tasks.source has step(), so an answer may have several turns ({ max: 4 })",
  );
  expect(await refusal(await stepping("grade: () => ({ reward: 1 }),"))).toBe(
    "rollouts.turns: is given, but no module of the run has step()",
  );
  const cases = { type: "generate", tier: "mini", seed: 1 };
  expect(await refusal(cases)).toBe(
    "rollouts.turns: needs a source of type: module whose module has step()",
  );
  expect(await refusal(source, { rollouts: { turns: { max: 0 } } })).toMatch(
    /^rollouts\.turns\.max: /,
  );
  const long = { turns: { max: 2, maxTokens: 65 }, maxAnswerTokens: 64 };
  expect(await refusal(source, { rollouts: long })).toBe(
    "rollouts.turns.maxTokens: must be at most rollouts.maxAnswerTokens = 64",
  );
});

test.each([
  [
    "gives no reward for the last reply",
    'step: () => ({ messages: [{ role: "user", content: "More." }] }),',
    "no turn follows when isLast is true",
  ],
  [
    "returns something of the wrong form",
    "step: (task, reply, { isLast }) => isLast ? { reward: 0 } : { messages: 3 },",
    'tasks.source: step() returned {"messages":3}: messages must be a list',
  ],
  [
    "says something else the second time",
    `step: (task, reply, { isLast }) =>
      isLast ? { reward: 0 } : { messages: [{ role: "user", content: "Call " + calls++ }] },`,
    "tasks.source: step() returned something else when it was called again for module-1-0",
  ],
  ["throws for every reply", "step: () => { throw new Error('lost'); },", "step() threw: lost"],
])("a module whose step %s is refused", async (_what, members, problem) => {
  expect(await refusal(await stepping(members))).toContain(problem);
});

test("a chat template that rewrites earlier replies is refused by the model's field", async () => {
  const model = join(folder, "model");
  await cp(ROOKIE, model, { recursive: true });
  const file = join(model, "tokenizer_config.json");
  const text = await readFile(file, "utf8");
  await writeFile(
    file,
    text.replace("+ message['content'] +", "+ message['content'].split('</think>')[-1] +"),
  );
  const said = await refusal(await stepping(MORE), { model });
  expect(said).toMatch(
    /^model: .*model: chat_template does not leave earlier replies as the model/,
  );
});

test("a supervised run converses by the reference replies, which must be scored", async () => {
  const sft = (source: object, more: object = {}) => ({
    type: "sft",
    tasks: {},
    rollouts: undefined,
    examples: { source, perUpdate: 2 },
    turns: TURNS,
    ...more,
  });
  const gold = 'goldReply: (task, { turn }) => "Reply " + turn,';
  const source = await stepping(`${MORE} ${gold}`);
  const checkedSft = (one: object, more: object = {}) => {
    const { rollouts: _rollouts, ...changes } = sft(one, more);
    const config = { name: "checked", model: ROOKIE, updatesPerIteration: 1, ...changes };
    return checkInputs(checkRunConfig(config), fileDigest);
  };
  await expect(checkedSft(source)).resolves.toBeDefined();
  await expect(checkedSft(source, { turns: undefined })).rejects.toThrow("turns: is missing: the");
  await expect(checkedSft(await stepping(MORE))).rejects.toThrow(
    "examples.answers.type: the environment of examples.source writes no gold replies",
  );
  const unscored = `step: () => ({ reward: null, reason: "no checker" }), ${gold}`;
  await expect(checkedSft(await stepping(unscored))).rejects.toThrow(
    /examples\.source(\.module)?: the reference repl.* cannot be scored: no checker/,
  );
  await expect(checkedSft(source, { maxPackTokens: 24 })).rejects.toThrow(
    /the reference replies to module-1-0 take more than \d+ tokens/,
  );
});
