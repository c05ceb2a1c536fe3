/** Finds Chromium for the tests of the web page, or installs Debian's package if that is permitted. */
import { accessSync, constants } from "node:fs";
import { env } from "node:process";

import { runQuietly, step } from "./step.mjs";

const CANDIDATES = [
  env.GUMSHOE_CHROMIUM ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];
const DEADLINE_MS = 300_000;

function find() {
  const isProgram = (path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  };
  return CANDIDATES.find((path) => path !== "" && isProgram(path)) ?? null;
}

/** Returns the path of Chromium, or null: without it the tests of the page are skipped with a message. */
export async function obtainBrowser() {
  const found = find();
  if (found !== null) return found;
  if (process.getuid?.() === 0) {
    await step("Chromium, for the tests of the page", async () => {
      for (const args of [
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
      ]) {
        const options = {
          timeout: DEADLINE_MS,
          env: { ...env, DEBIAN_FRONTEND: "noninteractive" },
        };
        await runQuietly("apt-get", args, options).catch(() => null);
      }
    });
  }
  const installed = find();
  if (installed === null) console.error("The web page is not tested: install chromium.");
  return installed;
}
