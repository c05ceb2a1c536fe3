// Makes the rookie's tokenizer: a byte-level BPE of the texts of generated mini cases. Every name and time
// of such a case is one token, and so is every turn of phrase that often stands between two names: a
// case is then half as long, and a small model learns it sooner. Usage: node models/rookie/recipe/make-tokenizer.mjs FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { Tokenizer, trainByteLevelBpe } from "@gumshoe/engine";
import { CLASSIC_NAMES, corpus, TIME_PATTERN, VICTIM } from "@gumshoe/puzzles";

const CASES = 4000;
const CORPUS_SEED = 9001;
const VOCABULARY = 640;
// A phrase that comes up in at least so many cases is a token.
const FREQUENT = 60;
const END = "<|end|>";
const SPECIAL = [END, "<|user|>", "<|assistant|>"];

const folder = process.argv[2] ?? "models/rookie";
const texts = [...corpus({ tier: "mini", style: "clear", seed: CORPUS_SEED, count: CASES, traced: true })];
const times = [...new Set(texts.flatMap((text) => text.match(TIME_PATTERN) ?? []))].sort();
// In prompts and answers a name always stands behind a space, which is part of its token.
const names = [VICTIM, ...Object.values(CLASSIC_NAMES).flat(), ...times].map((name) => ` ${name}`);

// The prompt's last words stand before the model's turn: a deduction and the answers.
const lastWords = `\n\n${texts[0].split("\n\n").at(-3)}`;
const cuts = [...names, lastWords];
const phraseCounts = new Map();
for (const text of texts) {
  for (const phrase of text.split(new RegExp(cuts.map(escape).join("|")))) {
    if (phrase.length > 1) phraseCounts.set(phrase, (phraseCounts.get(phrase) ?? 0) + 1);
  }
}
const phrases = [...phraseCounts].filter(([, count]) => count >= FREQUENT).map(([phrase]) => phrase);

const tokenizer = trainByteLevelBpe(texts, {
  vocabularySize: VOCABULARY,
  specialTokens: SPECIAL,
  wholeWords: [...cuts, ...phrases.sort()],
});
const config = {
  tokenizer_class: "PreTrainedTokenizerFast",
  model_max_length: 1024,
  eos_token: END,
  pad_token: END,
  clean_up_tokenization_spaces: false,
  chat_template:
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}" +
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
};
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "tokenizer.json"), `${JSON.stringify(tokenizer)}\n`);
writeFileSync(join(folder, "tokenizer_config.json"), `${JSON.stringify(config, null, 2)}\n`);

const loaded = await Tokenizer.load(folder);
const lengths = texts.slice(0, 500).map((text) => loaded.encode(text).length);
const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
console.log(`${loaded.vocabularySize} tokens; a case with its answers has ${mean.toFixed(1)} on average`);

function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
