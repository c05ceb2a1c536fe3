/** `npm run docs`: writes the API pages of the client and of environments to docs/api, which git ignores. */
import { writeApi } from "./docs/api.mjs";
import { main, setUp } from "./setup/set-up.mjs";
import { SetUpError } from "./setup/step.mjs";

const FOLDER = "docs/api";

await main(async () => {
  await setUp({ redis: false });
  const problems = await writeApi(FOLDER);
  if (problems.length > 0) throw new SetUpError(problems.join("\n"));
  process.stdout.write(`docs: open ${FOLDER}/index.html\n`);
});
