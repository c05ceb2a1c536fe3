import { fileURLToPath } from "node:url";

import { checkRunConfig, type RunConfig } from "@gumshoe/config";
import { InvalidArgumentError } from "@gumshoe/core";
import { readAssets, Tokenizer } from "@gumshoe/engine";
import { beforeAll, expect, test } from "vitest";

import { checkPrompts, writePrompt } from "./write-prompt.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const MESSAGES = [{ role: "user", content: "Who?" }];
let assets: Readonly<Record<string, string>>;

beforeAll(async () => {
  assets = await readAssets(ROOKIE);
});

function configOf(tasks: Record<string, unknown>, type: "grpo" | "sft" = "grpo"): RunConfig {
  const source = { type: "generate" };
  const fields =
    type === "grpo" ? { tasks: { source, ...tasks } } : { examples: { source }, tasks };
  return checkRunConfig({ name: "prompts", type, model: ROOKIE, ...fields });
}

function withTemplate(template: string): Tokenizer {
  return Tokenizer.fromAssets({ ...assets, "chat_template.jinja": template });
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error.message;
    throw error;
  }
  return "nothing";
}

test.each(["grpo", "sft"] as const)("the date of a %s run is the config's", (type) => {
  const tokenizer = withTemplate("{{ strftime_now('%d %B %Y') }}");
  const config = configOf({ date: "2026-11-28" }, type);
  expect(tokenizer.decode(writePrompt(config, tokenizer, MESSAGES))).toBe("28 November 2026");
  expect(refusal(() => writePrompt(configOf({}, type), tokenizer, MESSAGES))).toMatch(
    /^tasks.date: is missing/,
  );
  expect(refusal(() => checkPrompts(configOf({}, type), tokenizer))).toMatch(/^tasks.date/);
});

test.each(["grpo", "sft"] as const)("variables of a %s run reach the chat template", (type) => {
  const tokenizer = withTemplate("{{ 'off' if enable_thinking is false else 'on' }}");
  const write = (tasks: Record<string, unknown>) =>
    tokenizer.decode(writePrompt(configOf(tasks, type), tokenizer, MESSAGES));
  expect(write({ template: { enable_thinking: false } })).toBe("off");
  expect(write({})).toBe("on");
});

test.each(["{{ raise_exception('no system') }}", "{{ messages[9].content.strip() }}", ""])(
  "a template that cannot render a task's messages is rejected by the model's folder: %j",
  (template) => {
    const write = () => writePrompt(configOf({}), withTemplate(template), MESSAGES);
    expect(refusal(write)).toContain(`model: ${ROOKIE}: chat_template `);
  },
);

test("a template that rejects the trial message is accepted: the tasks may have other messages", () => {
  const tokenizer = withTemplate("{{ raise_exception('system first') }}");
  expect(() => checkPrompts(configOf({}), tokenizer)).not.toThrow();
});

test.each([
  [{ date: "28.11.2026" }, "tasks.date"],
  [{ date: "2026-02-30" }, "tasks.date"],
  [{ template: { messages: [] } }, "tasks.template"],
  [{ template: { "enable-thinking": false } }, "tasks.template"],
])("%j is rejected with its field", (tasks, field) => {
  expect(refusal(() => configOf(tasks))).toContain(field);
});
