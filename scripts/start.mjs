/**
 * `npm start`: sets up missing parts, then trains the small model in models/rookie and shows its
 * progress. Arguments are passed to `gumshoe run`: `npm start -- --inference 2`.
 */
import { join } from "node:path";

import { main, setUp } from "./setup/set-up.mjs";
import { ROOT } from "./setup/step.mjs";

await main(async () => {
  await setUp({ redis: true });
  const config = join(ROOT, "runs/first.yaml");
  // Run it in this process, so that Ctrl-C reaches it once.
  process.argv.splice(2, 0, "run", config);
  await import("../packages/cli/bin/gumshoe.js");
  return process.exitCode;
});
