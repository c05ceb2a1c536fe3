/**
 * `npm run gen`: writes the committed generated files.
 *
 * - packages/protocol/src/gen, from protos/; needs protoc, and is skipped with `--config`
 * - docs/config.md and runs/run.schema.json, from the schemas in packages/config/src
 */
import { parseArgs } from "node:util";

import { writeConfigFiles } from "./gen/config.mjs";
import { writeProtos } from "./gen/protos.mjs";
import { main, setUp } from "./setup/set-up.mjs";

const { values } = parseArgs({ options: { config: { type: "boolean", default: false } } });

await main(async () => {
  if (!values.config) writeProtos();
  await setUp({ redis: false });
  await writeConfigFiles();
});
