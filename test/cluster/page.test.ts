/** The web page in a real browser, served by a real coordinator with runs of fake workers. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { CHROMIUM, openPage, startBrowser, type WatchedPage } from "../support/browser.js";
import { FakeCluster, TOKEN } from "../support/fake-cluster.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDE = { width: 1600, height: 1000 };
const PHONE = { width: 390, height: 844 };

describe.skipIf(CHROMIUM === null)("the web page", () => {
  let cluster: FakeCluster;
  let browser: Browser;
  let context: BrowserContext;
  let watched: WatchedPage;
  let page: Page;
  let url: string;

  beforeAll(async () => {
    [cluster, browser] = await Promise.all([FakeCluster.start(), startBrowser()]);
    url = urlOf(cluster);
    await cluster.addWorkers();
    await cluster.run();
    context = await browser.newContext({ viewport: WIDE, colorScheme: "light" });
    watched = await openPage(context, url);
    page = watched.page;
  }, 60_000);
  afterAll(async () => {
    await browser?.close();
    await cluster?.close();
  });

  test("logs in by the token and lists the runs", async () => {
    await page.goto(url);
    await page.getByLabel("Token").fill(TOKEN);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("link", { name: "small" }).waitFor();
    await page.locator(".badge", { hasText: "live" }).waitFor();
    // The answer of the server to a browser without a session has the status 401.
    watched.complaints.length = 0;
  });

  test("shows the curves of a run, and the value under the pointer by keyboard", async () => {
    await page.getByRole("link", { name: "small" }).click();
    await page.getByRole("heading", { name: "Log-prob gap" }).waitFor();
    const chart = page.getByRole("slider", { name: /^Reward, / });
    await chart.locator("canvas").waitFor();
    await chart.focus();
    await page.keyboard.press("ArrowLeft");
    await expect.poll(() => chart.getAttribute("aria-valuetext")).toBe("iteration 1");
    await page.getByRole("button", { name: "Log", exact: true }).click();
    await page.getByRole("button", { name: "Worked" }).click();
    await page.getByRole("button", { name: "Iteration", exact: true }).click();
    await page.getByRole("button", { name: "Linear" }).click();
  });

  test("saves a curve as CSV, SVG and PNG", async () => {
    const chart = page.locator("figure", { hasText: "Answer length" });
    const starts: string[] = [];
    for (const kind of ["CSV", "SVG", "PNG"]) {
      await chart.getByLabel("Save this chart").click();
      const download = page.waitForEvent("download");
      await chart.getByRole("button", { name: kind }).click();
      const file = await (await download).path();
      starts.push(readFileSync(file).toString("latin1").slice(0, 5));
    }
    expect(starts).toEqual(["curve", "<svg ", "\x89PNG\r"]);
  });

  test("opens a group by keyboard and shows its answers, the best first", async () => {
    await page.getByRole("link", { name: "Answers" }).click();
    const table = page.getByRole("grid", { name: "Groups of answers" });
    await table.focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/groups\/2\/train\/1$/);
    const cards = page.getByRole("article");
    await cards.first().waitFor();
    expect(await cards.count()).toBe(4);
    const rewards = await page.locator(".answer .reward").allTextContents();
    expect(rewards).toEqual([...rewards].sort().reverse());
  });

  test("every view works without an error, an accessibility finding or a foreign request", async () => {
    const paths = [
      ...["/", "/runs/small", "/runs/small/answers", "/runs/small/held-out"],
      ...["/runs/small/search", "/runs/small/time", "/runs/small/checkpoints"],
      ...["/runs/small/history", "/runs/small/config", "/runs/small/groups/1/train/0"],
      ...["/runs/small/held-out/1", "/compare?runs=small", "/cluster", "/new"],
    ];
    for (const [i, path] of paths.entries()) {
      await page.setViewportSize(i % 2 === 0 ? WIDE : PHONE);
      await page.emulateMedia({ colorScheme: i % 3 === 0 ? "dark" : "light" });
      await page.goto(url + path);
      await page.locator(".card").first().waitFor();
      await page.locator(".loading").waitFor({ state: "detached" });
      expect(await seriousFindings(page), path).toEqual([]);
      const overflow = await page.evaluate<number>(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      expect(overflow, `${path} is wider than the screen`).toBeLessThanOrEqual(0);
    }
    await page.setViewportSize(WIDE);
    expect(watched.complaints).toEqual([]);
    expect(watched.strangers).toEqual([]);
  }, 60_000);

  test("shows HTML, control characters and a million characters of an answer as text", async () => {
    const hostile = `<img src=x onerror="document.title='run'"><script>1</script>\u001b[31m\u202e`;
    const long = "clue ".repeat(200_000);
    await page.route(/train\/0\?tokens=true$/, async (route) => {
      const response = await route.fetch();
      const group = (await response.json()) as { samples: Record<string, unknown>[] };
      const [first, second] = group.samples;
      Object.assign(first ?? {}, { text: hostile, tokens: null, numCharacters: hostile.length });
      Object.assign(second ?? {}, { text: long, tokens: null, numCharacters: long.length });
      await route.fulfill({ response, json: group });
    });
    await page.goto(`${url}/runs/small/groups/1/train/0`);
    const answer = page.getByRole("article", { name: "Answer 1" });
    await answer.locator("pre").waitFor();
    expect(await answer.locator("pre").textContent()).toBe(
      `<img src=x onerror="document.title='run'"><script>1</script>␛[31m⟨U+202E⟩`,
    );
    expect(await answer.locator("img,script").count()).toBe(0);
    const whole = page.getByRole("article", { name: "Answer 2" });
    await whole.getByRole("button", { name: /Show all/ }).click();
    await expect.poll(() => whole.locator("pre").textContent()).toBe(long);
    await page.unroute(/train\/0\?tokens=true$/);
  });

  test("submits a run like another, and shows what is wrong with a config", async () => {
    await page.goto(`${url}/runs/small/config`);
    await page.getByRole("link", { name: "New run like this" }).click();
    const config = page.getByLabel(/^Config, as YAML or JSON/);
    await expect.poll(() => config.inputValue()).toContain('"name": "small-2"');
    const text = await config.inputValue();
    await config.fill(text.replace('"iterations": 3', '"iteration": 2'));
    await page.getByRole("button", { name: "Submit the run" }).click();
    await page
      .getByRole("alert")
      .getByText(/iterations/)
      .waitFor();
    expect(await seriousFindings(page)).toEqual([]);
    await config.fill(text.replace('"iterations": 3', '"iterations": 2'));
    await page.getByRole("button", { name: "Submit the run" }).click();
    await page.getByRole("heading", { name: "small-2" }).waitFor();
    await page.getByText("done", { exact: true }).first().waitFor();
    // The answer to the wrong config has the status 400.
    watched.complaints.length = 0;
  });

  test("the link that a command prints logs in once", async () => {
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const asked = await fetch(`${url}/api/login-code`, { method: "POST", headers, body: "{}" });
    const { path } = (await asked.json()) as { path: string };
    const fresh = () => browser.newContext({ viewport: PHONE });
    const [first, second] = [await fresh(), await fresh()];
    try {
      const opened = await first.newPage();
      await opened.goto(url + path);
      await opened.getByRole("link", { name: "small", exact: true }).waitFor();
      expect(opened.url()).not.toContain("code=");
      const again = await second.newPage();
      await again.goto(url + path);
      expect(await again.getByRole("link", { name: "small", exact: true }).count()).toBe(0);
      await again.goto(url);
      await again.getByLabel("Token").waitFor();
    } finally {
      await Promise.all([first.close(), second.close()]);
    }
  });

  test("follows a live run, survives the coordinator’s death, and cancels the run", async () => {
    await cluster.submit({ name: "long", seed: 6, iterations: 4000 });
    await page.goto(`${url}/runs/long`);
    const done = page.locator(".figures dd").first();
    await expect.poll(() => numberOf(done.textContent()), { timeout: 15_000 }).toBeGreaterThan(1);
    await cluster.endCoordinator("SIGKILL");
    await page.locator(".badge", { hasText: "reconnecting" }).waitFor();
    const before = await numberOf(done.textContent());
    await cluster.startCoordinator({ GUMSHOE_HTTP_LISTEN: new URL(url).host });
    await page.locator(".badge", { hasText: "live" }).waitFor();
    await expect
      .poll(() => numberOf(done.textContent()), { timeout: 20_000 })
      .toBeGreaterThan(before);
    await cluster.submit({ name: "waiting", seed: 7, iterations: 4000 });
    await page.goto(`${url}/runs/waiting`);
    await page.getByText("Queued behind long").waitFor();
    await page.getByLabel("Priority").fill("5");
    await page.getByLabel("Priority").press("Enter");
    await page.getByText("Queued behind long").waitFor({ state: "detached" });
    await page.goto(`${url}/runs/long`);
    await page.getByText("Queued behind waiting").waitFor();
    await cluster.users.cancelRun({ name: "waiting" });
    await page.getByText("Queued behind waiting").waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Cancel run" }).click();
    await page.getByRole("button", { name: "Yes, cancel it" }).click();
    await page.getByRole("button", { name: "Resume run" }).waitFor();
    await page.goto(`${url}/compare?runs=small,long`);
    await page.getByRole("cell", { name: "iterations", exact: true }).waitFor();
  }, 60_000);
});

function urlOf({ home }: FakeCluster): string {
  const { http } = JSON.parse(readFileSync(join(home, "ready.json"), "utf8")) as { http: string };
  return `http://${http}`;
}

async function numberOf(text: Promise<string | null>): Promise<number> {
  return Number.parseInt((await text) ?? "0");
}

async function seriousFindings(page: Page): Promise<string[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    interface Finding {
      readonly id: string;
      readonly impact: string;
      readonly nodes: readonly { readonly html: string }[];
    }
    const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Finding[] }> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
