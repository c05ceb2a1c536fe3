/** Chat templates of foreign models, and conversations that they render. */
import { Template } from "../../packages/engine/dist/template/template.js";
import { jsonOf, textOf } from "./files.mjs";

export const MESSAGES = [
  { role: "system", content: "Be brief." },
  { role: "user", content: "Who did it? <b>&amp;</b>" },
  { role: "assistant", content: "  Mrs. White\n" },
];
/** Tokens and marks that tokenizers and templates treat in a way of their own. */
export const SPECIAL = [
  "<|im_start|>",
  "<|im_end|>",
  "</s>",
  "▁",
  "'s",
  " the",
  "\r\n",
  "   ",
  "ſ",
];

const { templates: sources } = jsonOf("test/golden/templates/cases.json");

const templates = {
  name: "templates",
  open: async () => {
    const expressions = ["expressions.txt", "more_expressions.txt"].flatMap((name) =>
      textOf(`test/golden/templates/${name}`).split("\n"),
    );
    const shown = expressions.map((one) => `{{ ${one} }}`);
    const parts = sources.join(" ").match(/\{[{%#]-?|-?[}%#]\}|\w+|\|\s*\w+/g);
    return {
      words: [...new Set(parts), ...shown, "{% for m in messages %}"],
      make: (mutator) => mutator.text([...sources, ...shown]),
      read: (source) => {
        const variables = { messages: MESSAGES, add_generation_prompt: true, bos_token: "<s>" };
        const text = Template.parse(source).render(variables, "2026-11-28");
        if (typeof text !== "string") throw new Error(`renders a ${typeof text}`);
      },
    };
  },
};

/** Some of the sources are refused on purpose. */
function parseOrNull(source) {
  try {
    return Template.parse(source);
  } catch {
    return null;
  }
}

const chats = {
  name: "chats",
  open: async () => {
    const parsed = sources.map(parseOrNull).filter((template) => template !== null);
    const valid = MESSAGES.map(({ content }) => content);
    return {
      words: [...SPECIAL, "<think>", "</think>", "<tool_call>", "{{ x }}", "{% raw %}"],
      make: (mutator) => ({
        at: mutator.random.below(parsed.length),
        contents: valid.map((content) => (mutator.chance(0.5) ? mutator.text(valid) : content)),
      }),
      read: ({ at, contents }) => {
        const messages = MESSAGES.map(({ role }, i) => ({ role, content: contents[i] }));
        const variables = { messages, add_generation_prompt: true, bos_token: "<s>", tools: null };
        parsed[at].render(variables, "2026-11-28");
      },
    };
  },
};

export const TEMPLATES = [templates, chats];
