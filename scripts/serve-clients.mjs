/**
 * `npm run serve:clients -- --clients 1000`: lets clients come to `gumshoe serve`, leave in the middle of something, and go. Prints one
 * JSON document: the server's memory over time, what is still open at the end, and how long an answer takes then. Ends with code 1 when
 * a slot is stuck or the memory grew by more than a tenth.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const COMMAND = fileURLToPath(new URL("../packages/cli/bin/gumshoe.js", import.meta.url));
const MODEL = fileURLToPath(new URL("../models/rookie", import.meta.url));
const AT_ONCE = 40;
/** Part of the clients after which caches are full and memory is taken for the first time. */
const WARM_SHARE = 0.3;
const MAX_GROWTH = 0.1;
const SETTLE_MS = 10_000;
/** Little, so that what is no longer used is collected, and a leak of some kilobytes for each client ends the server. */
const HEAP_LIMIT = "--max-old-space-size=64";

const { values } = parseArgs({ options: { clients: { type: "string", default: "1000" } } });
const numClients = Number(values.clients);

const words = ["serve", "--model", MODEL, "--listen", "127.0.0.1:0", "--json"];
const child = spawn(process.execPath, [HEAP_LIMIT, COMMAND, ...words], {
  stdio: ["ignore", "pipe", "inherit"],
});
const [line] = await once(child.stdout, "data");
const { url, key, name } = JSON.parse(String(line));
const { hostname, port } = new URL(url);
const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };

function memoryMb() {
  const text = readFileSync(`/proc/${child.pid}/status`, "utf8");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(text)?.[1]) / 1024);
}

async function openRequests() {
  const health = await fetch(`http://${hostname}:${port}/health`, { headers });
  return (await health.json()).openRequests;
}

function body(i, more) {
  const content = `Who was in room ${i}?`;
  return JSON.stringify({
    model: name,
    messages: [{ role: "user", content }],
    max_tokens: 300,
    ...more,
  });
}

const ask = (i, more, signal) =>
  fetch(`${url}/chat/completions`, { method: "POST", headers, body: body(i, more), signal });

/** Sends the beginning of a request over a bare connection, and breaks it off. */
async function breakOff(i, share) {
  const text = body(i, {});
  const socket = connect(Number(port), hostname).on("error", () => undefined);
  const head = Object.entries({ ...headers, host: "x", "content-length": text.length });
  const request = `POST /v1/chat/completions HTTP/1.1\r\n${head.map(([k, v]) => `${k}: ${v}`).join("\r\n")}\r\n\r\n${text}`;
  socket.write(request.slice(0, Math.ceil(request.length * share)));
  await wait(20);
  socket.resetAndDestroy();
}

/** What the clients do, in turn. */
const MANNERS = [
  async (i) => void (await (await ask(i, { max_tokens: 20 })).text()),
  async (i) => {
    const controller = new AbortController();
    const { body: stream } = await ask(i, { stream: true, n: 3 }, controller.signal);
    const reader = stream.getReader();
    for (let chunk = 0; chunk < i % 7; chunk++) await reader.read();
    controller.abort();
  },
  (i) => ask(i, { n: 8 }, AbortSignal.timeout(1 + (i % 60))),
  (i) => breakOff(i, 0.6),
  (i) => breakOff(i, 1),
];

let next = 0;
const samples = [];

async function client() {
  while (next < numClients) {
    const i = next++;
    if (i % Math.ceil(numClients / 20) === 0) samples.push({ clients: i, memoryMb: memoryMb() });
    try {
      await MANNERS[i % MANNERS.length](i);
    } catch (error) {
      if (!/abort|terminated|timeout/i.test(`${error.name} ${error.message}`)) throw error;
    }
  }
}

const begunMs = performance.now();
await Promise.all(Array.from({ length: AT_ONCE }, client));
const untilMs = performance.now() + SETTLE_MS;
while ((await openRequests()) > 0 && performance.now() < untilMs) await wait(50);
const seconds = Number(((performance.now() - begunMs) / 1000).toFixed(1));
const stuck = await openRequests();
const answerFromMs = performance.now();
const last = await (await ask(0, { max_tokens: 20 })).json();
const answerMs = Math.round(performance.now() - answerFromMs);
const end = memoryMb();
const warm = samples.find(({ clients }) => clients >= numClients * WARM_SHARE)?.memoryMb ?? end;
child.kill("SIGINT");
const [code] = await once(child, "exit");

const memory = { warmMb: warm, endMb: end, samples };
const isAnswered = last.choices?.length === 1;
console.log(
  JSON.stringify({ clients: numClients, seconds, stuck, answerMs, memory, exitCode: code }),
);
process.exitCode = stuck === 0 && isAnswered && end <= warm * (1 + MAX_GROWTH) ? 0 : 1;
