/**
 * Measures the page of a run in Chromium: the time until its charts are drawn, and how smoothly its views
 * scroll. `bench/long-run.mjs` makes a long run.
 *
 *   node bench/page.mjs HOME RUN [REPEATS]
 */
import { loadavg } from "node:os";

import { chromium } from "playwright-core";

import { CoordinatorProcess, TOKEN } from "../scripts/hostile/coordinator.mjs";
import { obtainBrowser } from "../scripts/setup/browser.mjs";

const [home, run, repeats = "5"] = process.argv.slice(2);
if (run === undefined) throw new Error("usage: page.mjs HOME RUN [REPEATS]");
const VIEWS = ["", "/answers", "/held-out", "/history", "/search"];
const SCROLL_STEPS = 60;
/** Time after which a view is at rest, in ms. */
const SETTLE_MS = 1500;
/** A frame that took longer is a stutter, in ms. */
const STUTTER_MS = 50;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Times a visit, from the click on a link or the address until the curves are in the page. */
async function open(context, url) {
  const page = await context.newPage();
  const beganAt = performance.now();
  await page.goto(`${url}/runs/${run}`, { waitUntil: "commit" });
  await page.locator("figure canvas").first().waitFor();
  await page.evaluate(() => new Promise((done) => globalThis.requestAnimationFrame(() => done())));
  const ms = performance.now() - beganAt;
  return { page, ms };
}

/** Turns the wheel over a view; returns the frames in ms, and the time of tasks over 50 ms. */
async function scroll(page, url, view) {
  await page.goto(`${url}/runs/${run}${view}`);
  await page.locator(".card").first().waitFor();
  await page.waitForTimeout(SETTLE_MS);
  await page.evaluate(() => {
    globalThis.frames = [];
    globalThis.longTasks = [];
    new globalThis.PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longTasks.push(duration);
    }).observe({ entryTypes: ["longtask"] });
    let last = performance.now();
    const frame = (now) => {
      globalThis.frames.push(now - last);
      last = now;
      globalThis.requestAnimationFrame(frame);
    };
    globalThis.requestAnimationFrame(frame);
  });
  await page.mouse.move(640, 500);
  for (let i = 0; i < SCROLL_STEPS; i++) {
    await page.mouse.wheel(0, i < SCROLL_STEPS / 2 ? 400 : -400);
    await page.waitForTimeout(16);
  }
  return page.evaluate(() => ({ frames: globalThis.frames, longTasks: globalThis.longTasks }));
}

const coordinator = await CoordinatorProcess.start({ GUMSHOE_HOME: home });
const browser = await chromium.launch({
  executablePath: (await obtainBrowser()) ?? "",
  args: ["--no-sandbox", "--disable-gpu"],
});
try {
  const url = `http://${coordinator.httpAddress}`;
  const load = loadavg()[0];
  const opened = [];
  let page;
  for (let i = 0; i < Number(repeats); i++) {
    // Each visit is a new browser context: nothing is in its cache.
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    await context.request.post(`${url}/api/login`, { data: { token: TOKEN } });
    const visit = await open(context, url);
    opened.push(Math.round(visit.ms));
    if (page !== undefined) await page.context().close();
    page = visit.page;
  }
  const views = {};
  for (const view of VIEWS) {
    const { frames, longTasks } = await scroll(page, url, view);
    views[view === "" ? "/charts" : view] = {
      frames: frames.length,
      medianMs: Math.round(median(frames)),
      longestMs: Math.round(Math.max(...frames)),
      stutters: frames.filter((ms) => ms > STUTTER_MS).length,
      longTasks: longTasks.map(Math.round),
    };
  }
  const memoryMb = coordinator.memoryMb("VmRSS");
  const result = { load, openMs: opened, medianOpenMs: median(opened), views, memoryMb };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  await browser.close();
  await coordinator.stop();
}
