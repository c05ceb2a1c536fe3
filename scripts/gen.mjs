/**
 * `npm run gen`: writes the files that are made from others, which are committed.
 *
 * - packages/protocol/src/gen, from protos/; needs protoc, and is left out with `--config`
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
