/**
 * `npm test`: sets up missing parts, then runs the tests. `npm test -- packages/grpo` runs some.
 */
import { join } from "node:path";

import { obtainBrowser } from "./setup/browser.mjs";
import { obtainPython } from "./setup/python.mjs";
import { main, setUp } from "./setup/set-up.mjs";
import { ROOT, runOpenly } from "./setup/step.mjs";

await main(async () => {
  await setUp({ redis: true });
  const python = await obtainPython();
  const browser = await obtainBrowser();
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  return runOpenly(process.execPath, [vitest, "run", ...process.argv.slice(2)], {
    env: {
      ...process.env,
      ...(python === null ? {} : { GUMSHOE_PYTHON: python }),
      ...(browser === null ? {} : { GUMSHOE_CHROMIUM: browser }),
    },
  });
});
