import { existsSync } from "node:fs";

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

/** The path of Chromium; null where there is none, and the tests of the page are skipped. */
export const CHROMIUM =
  [process.env["GUMSHOE_CHROMIUM"] ?? "", "/usr/bin/chromium"].find(
    (path) => path !== "" && existsSync(path),
  ) ?? null;
if (CHROMIUM === null) console.error("SKIPPED: the web page is not tested, Chromium is missing");

/** Starts Chromium. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM ?? "",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

/** A page, with what went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Messages of the console that are errors or warnings, and errors that no one caught. */
  readonly complaints: string[];
  /** Addresses of requests to other hosts. */
  readonly strangers: string[];
}

/** Opens a page whose complaints are collected. */
export async function openPage(context: BrowserContext, url: string): Promise<WatchedPage> {
  const page = await context.newPage();
  const complaints: string[] = [];
  const strangers: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!/^(blob|data):/.test(request.url()) && !request.url().startsWith(url)) {
      strangers.push(request.url());
    }
  });
  return { page, complaints, strangers };
}
