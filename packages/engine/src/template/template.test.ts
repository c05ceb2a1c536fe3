import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { TemplateDateError, TemplateError } from "../errors.js";
import { Template } from "./template.js";

interface Golden {
  readonly date: string;
  readonly chats: Readonly<Record<string, unknown>>;
  readonly variables: readonly Readonly<Record<string, unknown>>[];
  readonly templates: readonly string[];
  readonly cases: readonly {
    readonly name: string;
    readonly template: number;
    readonly chat: string;
    readonly variables: number;
    readonly prompt: boolean;
    /** null where Transformers raises an error. */
    readonly want: string | null;
  }[];
}

const FILE = new URL("../../../../test/golden/templates/cases.json", import.meta.url);
const golden = JSON.parse(readFileSync(FILE, "utf8")) as Golden;

/** Jinja features that this renderer refuses by name; each message names the construct. */
const REFUSED = new Map([
  ["{{ text.encode('utf-8') }}", ".encode()"],
  ["{{ ''.__class__ }}", "__class__"],
  ["{{ '{:05d}'.format(42) }}", "the field {:05d}"],
  ["{{ names|attr('x') }}", "filter attr"],
  ["{{ names|random }}", "filter random"],
  ["{{ names|pprint }}", "filter pprint"],
  ["{{ 'a b'|urlencode }}", "filter urlencode"],
  ["{{ 100000000000000000000 }}", "beyond 2^53"],
  ["{{ 9007199254740991 + 1 }}", "beyond 2^53"],
]);

function render(one: Golden["cases"][number]): string {
  const variables = {
    ...golden.variables[one.variables],
    messages: golden.chats[one.chat],
    tools: null,
    documents: null,
    add_generation_prompt: one.prompt,
  };
  return Template.parse(golden.templates[one.template] ?? "").render(variables, golden.date);
}

function refusal(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error("nothing was refused");
}

/** Returns the rendering of a case for which Transformers gives another one. */
function difference(one: Golden["cases"][number]): string | null {
  const refused = REFUSED.get(one.name);
  if (refused === undefined && one.want !== null) {
    const got = render(one);
    return got === one.want
      ? null
      : `${one.name}: ${JSON.stringify(got)}, not ${JSON.stringify(one.want)}`;
  }
  const error = refusal(() => render(one));
  const isRight = error instanceof TemplateError && error.message.includes(refused ?? "");
  return isRight ? null : `${one.name}: ${error.message}`;
}

test.each(["families", "constructs"])(
  "the %s are rendered as Transformers renders them",
  (part) => {
    const cases = golden.cases.filter(({ name }) => /[{%]/.test(name) === (part === "constructs"));
    expect(cases.length).toBeGreaterThan(200);
    expect(cases.map(difference).filter((problem) => problem !== null)).toEqual([]);
  },
);

test("a template that needs the date is refused without one, others are not", () => {
  const template = Template.parse(
    "\n{% if when is defined %}{{ when }}{% else %}{{ strftime_now('%Y') }}{% endif %}",
  );
  const error = refusal(() => template.render({}, null));
  expect(error).toBeInstanceOf(TemplateDateError);
  expect(error.message).toContain("line 2");
  expect(template.render({ when: "now" }, null)).toBe("\nnow");
});

test("a variable whose keys JavaScript would reorder is refused", () => {
  const template = Template.parse("{{ names }}");
  expect(template.render({ names: { b: 1, a: 2 } }, null)).toBe("{'b': 1, 'a': 2}");
  expect(template.render({ names: { 7: 1 } }, null)).toBe("{'7': 1}");
  const error = refusal(() => template.render({ names: { b: 1, 7: 2 } }, null));
  expect(error.message).toContain('the key "7"');
});

test.each([
  ["{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}", "steps"],
  [
    "{% set ns = namespace(x='ab') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "steps",
  ],
  [
    "{% set ns = namespace(x=[1]) %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "steps",
  ],
  [
    "{% set ns = namespace(x=[1]) %}{% for a in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "steps",
  ],
  ["{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}", "nests"],
  [
    "{% macro m(n) %}{% if n > 0 %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "steps",
  ],
  ["{{ 'x' * 10**9 }}", "steps"],
  ["{{ [0] * 10**12 }}", "steps"],
  ["{{ '%999999999d' % 1 }}", "width"],
  ["{{ 'x'.ljust(10**9) }}", "characters"],
  ["{{ 'x'|center(10**9) }}", "columns"],
  ["{{ [1]|tojson(indent=10**9) }}", "indent"],
  ["{{ [1]|batch(10**9, 'x')|list }}", "steps"],
  [`{{ ${"(".repeat(50_000)}${")".repeat(50_000)} }}`, "nests"],
  [`{{ 1${" + 1".repeat(40_000)} }}`, "nests too deeply"],
  [`{% if 1 %}${"{% if 1 %}".repeat(10_000)}`, "nests"],
  ["x".repeat(300_000), "300000 characters"],
])("an endless template is refused soon: %.60s", (source, problem) => {
  const started = performance.now();
  const error = refusal(() => Template.parse(source).render({}, null));
  expect(error).toBeInstanceOf(TemplateError);
  expect(error.message).toContain(problem);
  // Far above the time it takes, and far below that of an unbounded rendering.
  expect(performance.now() - started).toBeLessThan(8000);
});

const LONG = 200_000;

test.each([
  ["{{ s.split(none, 100000)|length }}", "x ".repeat(LONG / 2)],
  ["{{ s|int }}", `${"1".repeat(LONG)}x`],
  ["{{ s|float }}", `${"1_1".repeat(LONG / 3)}x`],
  ["{{ ('%' ~ s)|format(1) }}", `${"0".repeat(LONG)}!`],
  ["{{ s|title|capitalize|trim }}", " a-b".repeat(LONG / 4)],
  ["{{ s|replace('aa', 'b') ~ s.count('ab') ~ s.find('b') }}", "a".repeat(LONG)],
])("a filter scans a long text once: %s", (source, s) => {
  const template = Template.parse(source);
  const started = performance.now();
  try {
    template.render({ s }, null);
  } catch (error) {
    expect(error).toBeInstanceOf(TemplateError);
  }
  // About 50 ms; minutes if the time grows with the square of the length.
  expect(performance.now() - started).toBeLessThan(10_000);
});

test.each([
  ...["s|int", "s|float", "s == t", "s is sameas u", "d[t]", "d.get(t)", "t in d", "[s, t]|sort"],
  ...["s in [t]", "[s, t]|unique|list", "s.split(none, 9)", "s is upper", "s|tojson"],
])("an operation that scans a long text is charged for its length each time: %s", (expression) => {
  const [s = "", t, other] = ["a", "a", "a"].map((one) => Buffer.alloc(20_000, one).toString());
  const u = `${other?.slice(1)}b`;
  const source = `{% for i in range(99999) %}{% set x = ${expression} %}{% endfor %}`;
  const error = refusal(() => Template.parse(source).render({ s, t, u, d: { [s]: 1 } }, null));
  expect(error.message).toContain("steps");
});
