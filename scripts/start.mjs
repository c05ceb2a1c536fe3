/**
 * `npm start`: sets up what is missing, then trains the small model in models/rookie and shows how it
 * gets better. Arguments go on to `gumshoe run`: `npm start -- --inference 2`.
 */
import { join } from "node:path";

import { main, setUp } from "./setup/set-up.mjs";
import { ROOT } from "./setup/step.mjs";

await main(async () => {
  await setUp({ redis: true });
  const config = join(ROOT, "runs/first.yaml");
  // In this process, so that Ctrl-C reaches it once and at once.
  process.argv.splice(2, 0, "run", config);
  await import("../packages/cli/bin/gumshoe.js");
  return process.exitCode;
});
