/**
 * Measures whether an open page of a live run grows: the heap of its JavaScript after a garbage collection, its
 * DOM nodes and its listeners, every minute, while the run goes on.
 *
 *   node bench/page-memory.mjs [--config test/cluster/tiny.yaml] [--minutes 60] [--view /answers]
 *
 * A small run makes several iterations a second, so an hour of it has the events of days.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { parseRunConfig, resolvePaths } from "@gumshoe/config";
import { chromium } from "playwright-core";

import { obtainBrowser } from "../scripts/setup/browser.mjs";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const COMMAND = join(ROOT, "packages/cli/bin/gumshoe.js");
const MINUTE_MS = 60_000;

const { values } = parseArgs({
  options: {
    config: { type: "string", default: join(ROOT, "test/cluster/tiny.yaml") },
    minutes: { type: "string", default: "60" },
    view: { type: "string", default: "" },
  },
});
const minutes = Number(values.minutes);
if (!Number.isInteger(minutes) || minutes < 3)
  throw new Error("--minutes is no whole number from 3");

const home = mkdtempSync(join(tmpdir(), "gumshoe-page-memory-"));
const text = readFileSync(values.config, "utf8");
const config = resolvePaths(parseRunConfig(text), dirname(resolve(values.config)));
const file = join(home, "config.json");
writeFileSync(file, JSON.stringify({ ...config, name: "live", iterations: 1_000_000 }));
const fleet = ["--inference", "1", "--trainers", "1", "--reducers", "1", "--threads", "1"];
const run = spawn(process.execPath, [COMMAND, "run", file, "--home", home, ...fleet], {
  stdio: ["ignore", "ignore", "pipe"],
});
let told = "";
run.stderr.on("data", (data) => (told += data.toString()));
const browser = await chromium.launch({
  executablePath: (await obtainBrowser()) ?? "",
  args: ["--no-sandbox", "--disable-gpu"],
});

/** Waits for the link to the page that the command prints. */
async function link() {
  for (let i = 0; i < 600; i++) {
    const found = /http:\/\/\S+\/login\?code=\S+/.exec(told);
    if (found !== null) return found[0];
    await sleep(100);
  }
  throw new Error(`there is no link to the page:\n${told}`);
}

try {
  const address = await link();
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  await page.getByRole("link", { name: "live", exact: true }).waitFor();
  await page.goto(`${new URL(address).origin}/runs/live${values.view}`);
  await page.locator(".card").first().waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const rows = [];
  for (let minute = 1; minute <= minutes; minute++) {
    await sleep(MINUTE_MS);
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (name) => metrics.find((one) => one.name === name)?.value ?? NaN;
    const lines =
      readFileSync(join(home, "runs/live/metrics.jsonl"), "utf8").split("\n").length - 1;
    const row = {
      minute,
      iterations: lines,
      heapMb: Number((of("JSHeapUsedSize") / 1e6).toFixed(2)),
      nodes: of("Nodes"),
      listeners: of("JSEventListeners"),
    };
    rows.push(row);
    console.log(JSON.stringify(row));
  }
  const last = rows.at(-1);
  // Charts and tables have reached their size by the third minute.
  const first = rows[2];
  const grown = (last.heapMb - first.heapMb) / (last.iterations - first.iterations);
  console.log(
    JSON.stringify({ from: first, to: last, bytesPerIteration: Math.round(grown * 1e6) }),
  );
} finally {
  await browser.close();
  run.kill("SIGINT");
  await new Promise((done) => run.on("close", done));
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
