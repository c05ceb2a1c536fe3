/**
 * Writes packages/api/examples: an answer of every route that shows something, as a running cluster
 * gives it. Each is checked by its schema.
 *
 *   node scripts/api-examples.mjs URL TOKEN RUN [OTHER]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { ROUTES } from "../packages/api/dist/index.js";

const [url, token, run, other = run] = process.argv.slice(2);
if (run === undefined) throw new Error("usage: api-examples.mjs URL TOKEN RUN [OTHER]");
const folder = fileURLToPath(new URL("../packages/api/examples", import.meta.url));
const headers = { authorization: `Bearer ${token}` };

/** Parameters and queries of the examples. */
const VALUES = { run, iteration: 4, kind: "train", group: 1, index: 0, task: 2 };
const QUERIES = {
  group: "?tokens=true",
  series: "?points=6",
  answers: "?words=A&limit=3",
  compare: `?runs=${run},${other}`,
  heldOutTask: "?characters=400",
  answerTokens: "?limit=20",
  answerText: "?limit=100",
};

mkdirSync(folder, { recursive: true });
for (const [name, route] of Object.entries(ROUTES)) {
  if (route.method !== "GET" || route.response === null || name === "openapi") continue;
  const path = route.path.replaceAll(/\{(\w+)\}/g, (_, key) => String(VALUES[key]));
  const response = await fetch(`${url}${path}${QUERIES[name] ?? ""}`, { headers });
  const value = await response.json();
  if (!response.ok) throw new Error(`${path}: ${JSON.stringify(value)}`);
  route.response.parse(value);
  write(`${name}.json`, `${JSON.stringify(withoutPlaces(value), null, 2)}\n`);
}
write("runLive.txt", withoutPlaces(await streamOf(`/api/runs/${run}/live?after=0`)));
write("live.txt", withoutPlaces(await streamOf("/api/live")));

function write(name, text) {
  writeFileSync(`${folder}/${name}`, text);
  console.log(name, text.length);
}

/** Reads what a stream gives in its first moments, and its beginning alone where that is much. */
async function streamOf(path) {
  const stop = new globalThis.AbortController();
  const response = await fetch(`${url}${path}`, { headers, signal: stop.signal });
  let text = "";
  setTimeout(() => stop.abort(), 1500);
  try {
    for await (const chunk of response.body) text += Buffer.from(chunk).toString("utf8");
  } catch {
    // It was ended above.
  }
  const seen = new Map();
  const messages = text.split("\n\n").filter((message) => {
    const event = /^event: (.*)$/m.exec(message)?.[1] ?? "";
    seen.set(event, (seen.get(event) ?? 0) + 1);
    return seen.get(event) <= 2;
  });
  return `${messages.join("\n\n")}\n\n`;
}

/** Puts general names in the place of this machine's folders and name. */
function withoutPlaces(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const general = text
    .replaceAll(/"(?:[^"\\ ]*\/)((?:models|runs)\/[^"\\ ]*)"/g, '"/srv/gumshoe/$1"')
    .replaceAll(/(gumshoe run )[^ "]*\/(runs\/)/g, "$1/srv/gumshoe/$2")
    .replaceAll(/"host":"[^"]*"/g, '"host":"node-1"');
  return typeof value === "string" ? general : JSON.parse(general);
}
