/** What `gumshoe eval` reads: an endpoint's completions and refusals, its own file of replies, URLs. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { ClusterError } from "@gumshoe/core";

import { endpointUrl, withoutSecrets } from "../../packages/cli/dist/eval/endpoint-url.js";
import { proxyFor } from "../../packages/cli/dist/eval/proxy.js";
import { readCompletion } from "../../packages/cli/dist/eval/read-completion.js";
import { RepliesFile } from "../../packages/cli/dist/eval/replies-file.js";
import { RequestFields } from "../../packages/cli/dist/eval/request-fields.js";
import { retryAfterMs } from "../../packages/cli/dist/eval/retry-after.js";
import { makeFolder, readAll } from "./files.mjs";

const FAILURE = { error: { message: "max_tokens is not supported", code: 429, param: "seed" } };

const completions = {
  name: "completions",
  open: async () => {
    const whole = {
      choices: [{ message: { role: "assistant", content: "A. x" }, finish_reason: "stop" }],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    };
    const valid = [JSON.stringify(whole), JSON.stringify(FAILURE), "<html><body>502</body></html>"];
    const fields = new RequestFields({ limitField: "max_tokens", omitted: [], extra: {} });
    return {
      words: ['"choices"', '"message"', '"content"', '"finish_reason"', "6m0s", "Wed, 21 Oct"],
      make: (mutator) =>
        mutator.chance(0.6) ? mutator.json([whole, FAILURE]) : mutator.text(valid),
      read: (text) => {
        readCompletion(text);
        fields.without(text);
        const waitMs = retryAfterMs({ "retry-after": text, "x-ratelimit-reset": text }, 1e12);
        if (waitMs !== null && !(waitMs >= 0)) throw new Error(`gives a wait of ${waitMs}`);
      },
    };
  },
};

const repliesFiles = {
  name: "replies-files",
  open: async () => {
    const folder = makeFolder();
    const identity = { model: "m", data: "d" };
    const header = { type: "gumshoe-replies", version: 1, ...identity };
    const lines = [
      { index: 0, sample: 0, reply: "A. x", finish: "stop", tokens: { prompt: 3, answer: 2 } },
      { index: 1, sample: 0, reply: "", notScored: "no", tokens: null },
    ];
    const path = join(folder.path, "replies.jsonl");
    return {
      words: ['"index":', '"sample":', '"finish":', '"tokens":', "\n{"],
      make: (mutator) => {
        const first = JSON.stringify(mutator.chance(0.1) ? mutator.changedValue(header) : header);
        if (mutator.chance(0.2)) return mutator.text([`${first}\n${JSON.stringify(lines[0])}\n`]);
        return `${first}\n${lines.map(() => mutator.json(lines)).join("\n")}\n`;
      },
      read: async (text) => {
        writeFileSync(path, text);
        const file = await RepliesFile.open(path, identity);
        await file.close({ keepEmpty: true });
        file.answers.forEach(checkAnswer);
      },
      close: () => folder.remove(),
    };
  },
};

/** What an evaluation counts and adds up must be numbers. */
function checkAnswer({ index, sample, outcome, tokens }) {
  const counts = [index, sample, ...(tokens === null ? [] : [tokens.prompt, tokens.answer])];
  const isRight =
    counts.every((count) => Number.isSafeInteger(count) && count >= 0) &&
    (outcome.type === "failure"
      ? typeof outcome.reason === "string"
      : ["stop", "length", "refusal"].includes(outcome.finish));
  if (!isRight) throw new Error(`takes ${JSON.stringify({ index, sample, outcome, tokens })}`);
}

const urls = {
  name: "urls",
  open: async () => {
    const valid = ["http://user:pw@host:8000/v1?key=x", "https://[::1]/v1/chat/completions"];
    const isRefusal = (thrown) => thrown instanceof ClusterError;
    return {
      words: ["http://", "https://", "socks5://", ":8000", "@", "[::1]", "*.host", "%", "%2F"],
      make: (mutator) => mutator.text(valid),
      read: (text) =>
        readAll(
          [
            () => endpointUrl(text),
            () => withoutSecrets(text),
            () => proxyFor("http://host:80/", { http_proxy: text }),
            () => proxyFor("http://host:80/", { no_proxy: text }),
          ],
          isRefusal,
        ),
    };
  },
};

export const EVALUATIONS = [completions, repliesFiles, urls];
