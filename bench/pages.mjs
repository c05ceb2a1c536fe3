/**
 * Measures what open pages cost a run: the same run alternately without pages and with many, each with the
 * requests and the stream of a visible tab, all from one process on the same machine.
 *
 *   node bench/pages.mjs [--pages 50] [--turns 5] [--iterations 12]
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const { values } = parseArgs({
  options: {
    pages: { type: "string", default: "50" },
    turns: { type: "string", default: "5" },
    iterations: { type: "string", default: "12" },
  },
});
const home = mkdtempSync(join(tmpdir(), "gumshoe-pages-"));
const gumshoe = join(ROOT, "packages/cli/bin/gumshoe.js");
const fleet = ["--inference", "1", "--trainers", "1", "--reducers", "1"];
const cluster = spawn(process.execPath, [gumshoe, "up", "--home", home, ...fleet], {
  stdio: ["ignore", "ignore", "inherit"],
});

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

async function ready() {
  const file = join(home, "coordinator.json");
  while (!existsSync(file)) await sleep(100);
  const { http, pid } = JSON.parse(readFileSync(file, "utf8"));
  const token = readFileSync(join(home, "token"), "utf8").trim();
  return { url: `http://${http}`, pid, headers: { authorization: `Bearer ${token}` } };
}

const { url, pid, headers } = await ready();
const ask = async (path) => (await fetch(url + path, { headers })).json();

/** Processor seconds of the coordinator so far. */
function processorSeconds() {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Asks what a page asks for when it opens, and reads its stream until `signal`. */
async function openPage(run, signal) {
  for (const path of ["/api/alarms", `/api/runs/${run}`, `/api/runs/${run}/series?points=1500`]) {
    await ask(path);
  }
  let bytes = 0;
  try {
    const response = await fetch(`${url}/api/runs/${run}/live`, { headers, signal });
    for await (const chunk of response.body) bytes += chunk.length;
  } catch {
    // The run has ended.
  }
  return bytes;
}

/** Executes a run; returns the seconds that it worked, and the coordinator's processor time. */
async function execute(name, pages) {
  const config = {
    name,
    type: "grpo",
    seed: 1,
    model: join(ROOT, "models/rookie"),
    iterations: Number(values.iterations),
    tasks: { source: { type: "generate", tier: "mini", style: "clear", seed: 2001 } },
  };
  const before = processorSeconds();
  const body = JSON.stringify({ config: JSON.stringify(config) });
  const type = { "content-type": "application/json" };
  const submitted = await fetch(`${url}/api/runs`, {
    method: "POST",
    headers: { ...headers, ...type },
    body,
  });
  if (!submitted.ok) throw new Error(await submitted.text());
  const over = new globalThis.AbortController();
  const open = Array.from({ length: pages }, () => openPage(name, over.signal));
  let detail;
  do {
    await sleep(500);
    detail = await ask(`/api/runs/${name}`);
  } while (["queued", "running"].includes(detail.status));
  over.abort();
  const bytes = await Promise.all(open);
  if (detail.status !== "done") throw new Error(`${name}: ${detail.status} ${detail.error}`);
  return {
    seconds: detail.workedSeconds,
    coordinator: processorSeconds() - before,
    kilobytes:
      pages === 0 ? 0 : Math.round(bytes.reduce((sum, one) => sum + one, 0) / pages / 1024),
  };
}

try {
  while ((await ask("/api/fleet")).workers.length < 3) await sleep(200);
  await execute("warm-up", 0);
  const turns = [];
  for (let i = 0; i < Number(values.turns); i++) {
    const counts = [0, Number(values.pages)];
    if (i % 2 === 1) counts.reverse();
    const turn = { load: loadavg()[0] };
    for (const count of counts) {
      turn[count === 0 ? "alone" : "watched"] = await execute(`turn-${i}-${count}`, count);
    }
    turns.push(turn);
    process.stderr.write(`${JSON.stringify(turn)}\n`);
  }
  const slower = turns.map(({ alone, watched }) => 100 * (watched.seconds / alone.seconds - 1));
  const share = turns.map(
    ({ alone, watched }) => (100 * (watched.coordinator - alone.coordinator)) / alone.seconds,
  );
  const result = {
    pages: Number(values.pages),
    slowerPercent: slower,
    medianSlowerPercent: median(slower),
    coordinatorShareOfACorePercent: median(share),
    loads: turns.map(({ load }) => load),
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  const gone = new Promise((resolve) => cluster.once("exit", resolve));
  cluster.kill("SIGINT");
  await gone;
  rmSync(home, { recursive: true, force: true });
}
