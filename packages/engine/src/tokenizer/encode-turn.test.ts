import { fileURLToPath } from "node:url";

import { beforeAll, expect, test } from "vitest";

import { readAssets } from "../weights/assets.js";
import { checkKeepsReplies, turnCodec } from "./encode-turn.js";
import { Tokenizer } from "./tokenizer.js";

const ROOKIE = fileURLToPath(new URL("../../../../models/rookie", import.meta.url));
const PROMPT = [{ role: "user", content: "Who?" }];

let assets: Readonly<Record<string, string>>;
beforeAll(async () => {
  assets = await readAssets(ROOKIE);
});

/** The rookie's tokenizer with another chat template. */
function withTemplate(template: string | null): Tokenizer {
  if (template === null) return Tokenizer.fromAssets(assets);
  const config = JSON.parse(assets["tokenizer_config.json"] ?? "{}") as object;
  const text = JSON.stringify({ ...config, chat_template: template });
  return Tokenizer.fromAssets({ ...assets, "tokenizer_config.json": text });
}

test("what follows a reply is the end of its turn, the messages, and the opening of the next turn", () => {
  const tokenizer = withTemplate(null);
  const codec = turnCodec(tokenizer, PROMPT, {});
  const before = [{ role: "assistant", content: "(reply 0)" }];
  const ids = codec.encodeTurn(before, [{ role: "tool", content: "(reply 1)" }]);
  expect(tokenizer.decode(ids)).toBe("<|end|><|tool|>(reply 1)<|end|><|assistant|>");
  expect(tokenizer.stopTokenIds).toContain(ids[0]);
  // Appended to prompt and reply, they are the whole conversation's tokens.
  const prompt = tokenizer.encodeChat(PROMPT);
  const whole = [...PROMPT, ...before, { role: "tool", content: "(reply 1)" }];
  expect([...prompt, ...tokenizer.encode("(reply 0)"), ...ids]).toEqual(
    tokenizer.encodeChat(whole),
  );
});

const MESSAGE = "'<|' + message['role'] + '|>' + message['content'] + '<|end|>'";
const OPENING = "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

test("a template that rewrites earlier replies is refused, one that keeps them is not", () => {
  expect(() => checkKeepsReplies(withTemplate(null), PROMPT, {})).not.toThrow();
  const content = "message['content'].split('</think>')[-1]";
  const dropping = MESSAGE.replace("message['content']", content);
  const template = `{% for message in messages %}{{ ${dropping} }}{% endfor %}${OPENING}`;
  expect(() => checkKeepsReplies(withTemplate(template), PROMPT, {})).toThrow(
    "chat_template does not leave earlier replies as the model wrote them",
  );
});

test("a template that leaves replies or messages out, or refuses a role, cannot write a turn", () => {
  const before = [{ role: "assistant", content: "Me." }];
  const next = [{ role: "tool", content: "6" }];
  const turnWith = (body: string) => () =>
    turnCodec(
      withTemplate(`{% for message in messages %}${body}{% endfor %}${OPENING}`),
      PROMPT,
      {},
    ).encodeTurn(before, next);
  expect(turnWith(`{% if message['role'] == 'user' %}{{ ${MESSAGE} }}{% endif %}`)).toThrow(
    "writes a reply 0 times, so that what follows it is not known",
  );
  expect(turnWith(`{% if message['role'] != 'tool' %}{{ ${MESSAGE} }}{% endif %}`)).toThrow(
    "leaves out a message of the role tool",
  );
  const refusing = "{% if message['role'] == 'tool' %}{{ raise_exception('no tools') }}{% endif %}";
  expect(turnWith(`${refusing}{{ ${MESSAGE} }}`)).toThrow("no tools");
});
