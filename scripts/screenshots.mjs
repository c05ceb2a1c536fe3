/**
 * Takes the screenshots of docs/dashboard.md from a running page.
 *
 *   node scripts/screenshots.mjs URL TOKEN RUN OTHER [FOLDER]
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { obtainBrowser } from "./setup/browser.mjs";
import { ROOT } from "./setup/step.mjs";

const [url, token, run, other, folder = join(ROOT, "docs/dashboard")] = process.argv.slice(2);
if (other === undefined) throw new Error("usage: screenshots.mjs URL TOKEN RUN OTHER [FOLDER]");
mkdirSync(folder, { recursive: true });

const SHOTS = [
  { name: "charts", path: `/runs/${run}` },
  { name: "group", path: `/runs/${run}/groups/1/train/1` },
  { name: "held-out", path: `/runs/${run}/held-out` },
  { name: "time", path: `/runs/${run}/time` },
  { name: "compare", path: `/compare?runs=${run},${other}` },
  { name: "phone", path: `/runs/${run}`, phone: true, dark: true },
];
/** Time in which curves are drawn, in ms. */
const SETTLE_MS = 700;

const browser = await chromium.launch({
  executablePath: (await obtainBrowser()) ?? "",
  args: ["--no-sandbox", "--disable-gpu"],
});
const context = await browser.newContext();
await context.request.post(`${url}/api/login`, { data: { token } });
const page = await context.newPage();
for (const { name, path, dark = false, phone = false } of SHOTS) {
  await page.setViewportSize(phone ? { width: 390, height: 844 } : { width: 1280, height: 800 });
  await page.emulateMedia({ colorScheme: dark ? "dark" : "light" });
  await page.goto(url + path);
  await page.locator(".card").first().waitFor();
  await page.waitForTimeout(SETTLE_MS);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  process.stdout.write(`${name}.png\n`);
}
await browser.close();
