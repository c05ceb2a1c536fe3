#!/usr/bin/env node
// Kept in old syntax, so that an old Node.js says what is wrong instead of failing to parse.
import { existsSync } from "node:fs";

const OLDEST_NODE = "20.18.1";
const main = new URL("../dist/main.js", import.meta.url);

if (process.versions.node.localeCompare(OLDEST_NODE, "en", { numeric: true }) < 0) {
  console.error("gumshoe needs Node.js " + OLDEST_NODE + " or newer; this is " + process.version);
  process.exitCode = 1;
} else if (!existsSync(main)) {
  console.error("gumshoe is not built yet: npm run build");
  process.exitCode = 1;
} else {
  const { bundledEntry } = await import(
    // Alone: the index would load the whole package.
    new URL("bundled-entry.js", import.meta.resolve("@gumshoe/core")).href
  );
  const { main: run } = await import(bundledEntry(main).href);
  process.exitCode = await run(process.argv.slice(2));
}
