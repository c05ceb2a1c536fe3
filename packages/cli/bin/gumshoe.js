#!/usr/bin/env node
// Kept in old syntax, so that an old Node.js says what is wrong instead of failing to parse.
import { existsSync } from "node:fs";

const MIN_NODE_MAJOR = 20;
const main = new URL("../dist/main.js", import.meta.url);

if (Number(process.versions.node.split(".")[0]) < MIN_NODE_MAJOR) {
  console.error(
    "gumshoe needs Node.js " + MIN_NODE_MAJOR + " or newer; this is " + process.version,
  );
  process.exitCode = 1;
} else if (!existsSync(main)) {
  console.error("gumshoe is not built yet: npm run build");
  process.exitCode = 1;
} else {
  const { main: run } = await import(main.href);
  process.exitCode = await run(process.argv.slice(2));
}
